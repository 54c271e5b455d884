import { randomInt } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import type { Page } from 'playwright-core'
import t from 'tap'
import { codeFromInbox, journey, newPerson, password } from '../journey/journey.js'
import { desktop, findings, openBrowser, phone, visit } from './browser.js'

/** As people type it who are at home in India. */
const typedNumber = () => `98${String(randomInt(10 ** 8)).padStart(8, '0')}`

// What runs in the page is text here: its words are no words of Node.
const focusedNames = `(() => {
  const at = document.activeElement
  return [at?.ariaLabel, at?.textContent, at?.labels?.[0]?.textContent].join('|')
})()`

/** A phone that reads messages; what the page asks of it is real. */
const playedPhone = `
  window.phone = { asked: undefined, give: () => undefined }
  window.OTPCredential = class {}
  navigator.credentials.get = (request) => {
    phone.asked = request.otp
    return new Promise((resolve) => (phone.give = (code) => resolve({ code })))
  }`

const staleSession = `localStorage.setItem(
  'latchkey.session',
  JSON.stringify({ ...JSON.parse(localStorage.getItem('latchkey.session')), freshUntilMs: 0 }),
)`

t.test('the hosted pages, in a browser', async (t) => {
  const [{ stack, call }, browser] = await Promise.all([
    journey(t, { WEBOTP_DOMAIN: 'app.example.com', SIGNUP_ROLES: 'user' }),
    openBrowser(t),
  ])
  const url = stack.gatewayUrl
  const codeFor = (number: string, count = 1) => codeFromInbox(call, `+91${number}`, count)
  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
  const signIn = async (page: Page, identifier: string, secret = password) => {
    await page.goto('/login')
    await page.getByLabel('Phone, e-mail or username').fill(identifier)
    await page.getByLabel('Password', { exact: true }).fill(secret)
    await page.getByRole('button', { name: 'Log in' }).click()
  }

  t.test(
    'a stranger on a phone signs up step by step, by keyboard alone; a reload in between loses nothing',
    async (t) => {
      const { page, troubles } = await visit(t, browser, url, phone)
      const { keyboard } = page
      const number = typedNumber()
      /** Goes on with Tab until something of that name has the focus. */
      const tabTo = async (name: string) => {
        for (let presses = 0; presses < 20; presses++) {
          await keyboard.press('Tab')
          const focused = await page.evaluate<string>(focusedNames)
          if (focused.split('|').includes(name)) return
        }
        throw new Error(`no Tab led to ${name}`)
      }
      await page.goto('/')
      await heading(page, 'Log in')
      await tabTo('Create an account')
      await keyboard.press('Enter')
      await heading(page, 'Create your account')
      await tabTo('Mobile number')
      await page.waitForResponse(/\/assets\/phone-.*\/91\.json/).catch(() => undefined)
      await keyboard.type(number, { delay: 5 })
      t.equal(
        await page.getByLabel('Mobile number').inputValue(),
        `${number.slice(0, 5)} ${number.slice(5)}`,
        'as it is written there',
      )
      await keyboard.press('Enter')
      await heading(page, 'Enter your code')
      await page.getByText('Delivered').waitFor()
      const secondsLeft = async () =>
        Number(/0:(\d\d)/.exec(await page.getByRole('button', { name: /Send again in/ }).innerText())?.[1])
      const before = await secondsLeft()
      await page.reload()
      await page.getByText('Delivered').waitFor()
      t.ok((await secondsLeft()) <= before, 'the countdown goes on where it was')
      t.match(await page.locator('main').innerText(), new RegExp(number.slice(0, 5)), 'and the number is still known')
      const code = await codeFor(number)
      await keyboard.type(code === '000000' ? '111111' : '000000')
      await page.getByText('That code is not right. 4 tries left.').waitFor()
      await keyboard.type(code)
      await heading(page, 'Choose a password')
      await tabTo('New password')
      await keyboard.type('short')
      await keyboard.press('Enter')
      await page.getByText('Use at least 8 characters.').waitFor()
      await keyboard.press('Control+A')
      await keyboard.type(password)
      await keyboard.press('Enter')
      await heading(page, 'Your account')
      await page.getByText(`+91${number}`).waitFor()
      await page.goBack()
      t.notMatch(page.url(), /code|password/, 'back does not lead to what is done')
      t.strictSame(troubles, [])
    },
  )

  t.test(
    'everything at once: errors stand beside their fields, the back button keeps what was typed, then the code',
    async (t) => {
      const { page, troubles } = await visit(t, browser, url)
      const number = typedNumber()
      await page.goto('/signup/details')
      await page.getByText('We send a code to your phone, or to your e-mail if you give no phone.').waitFor()
      await page.getByRole('button', { name: 'Create account' }).click()
      const described = async (label: string) => {
        const ids = (await page.getByLabel(label, { exact: true }).getAttribute('aria-describedby')) ?? ''
        return page.locator(`[id="${ids.split(' ')[0]}"]`).innerText()
      }
      t.match(await described('Name'), /needed/)
      t.match(await described('E-mail'), /needed/)
      await page.getByLabel('Name').fill('Asha Rao')
      await page.getByLabel('E-mail').fill(`asha${number}@example.com`)
      await page.getByLabel('Password', { exact: true }).fill('password123')
      await page.getByLabel('Mobile number').fill('12345')
      await page.getByRole('button', { name: 'Create account' }).click()
      await page.getByText('Enter a mobile number that can get text messages.').waitFor()
      await page.getByLabel('Mobile number').fill(number)
      await page.getByRole('button', { name: 'Create account' }).click()
      await page.getByText('This password is too easy to guess. Choose another one.').waitFor()
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByRole('button', { name: 'Create account' }).click()
      await heading(page, 'Enter your code')
      await page.goBack()
      await heading(page, 'Create your account')
      t.equal(await page.getByLabel('Name').inputValue(), 'Asha Rao')
      t.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '', 'but no password')
      await page.goForward()
      await page.getByLabel('Code').fill(`Your code is ${await codeFor(number)}.`)
      await heading(page, 'Hello, Asha Rao')
      await page.getByText(`asha${number}@example.com`).waitFor()
      t.strictSame(troubles, [])
    },
  )

  t.test('who gives no phone proves the e-mail instead', async (t) => {
    const { page, troubles } = await visit(t, browser, url)
    const email = `ravi${typedNumber()}@example.com`
    await page.goto('/signup/details')
    await page.getByLabel('Name').fill('Ravi')
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByText(email).waitFor()
    await page.getByLabel('Code').fill(await codeFromInbox(call, email))
    await heading(page, 'Hello, Ravi')
    await page.getByRole('listitem').filter({ hasText: email }).getByText('Verified').waitFor()
    t.strictSame(troubles, [])
  })

  t.test(
    'who has an account gets in by password, by code, with a second factor, and back in after forgetting',
    async (t) => {
      const { page, troubles } = await visit(t, browser, url)
      const { phone: number } = await newPerson(call)
      const typed = number.slice(3)
      await signIn(page, number, 'not the password')
      await page.getByText('That does not match.').waitFor()
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByRole('button', { name: 'Log in' }).click()
      await heading(page, 'Your account')
      await page.getByRole('listitem').filter({ hasText: 'Two-step log-in' }).getByRole('link').click()
      await page.getByLabel('Current password').fill(password)
      await page.getByRole('button', { name: 'Turn on' }).click()
      await page.getByText('It is on.').waitFor()
      await page.getByRole('button', { name: 'Log out' }).click()
      await heading(page, 'Log in')

      await signIn(page, number)
      await heading(page, 'Enter your code')
      await page.getByLabel('Code').fill(await codeFor(typed, 2))
      await heading(page, 'Your account')
      await page.getByRole('button', { name: 'Log out' }).click()

      await page.getByRole('link', { name: 'Log in with a code instead' }).click()
      await page.getByLabel('Mobile number').fill(typed)
      await page.getByRole('button', { name: 'Send code' }).click()
      await heading(page, 'Enter your code')
      await page.getByText('My account also asks for a password').click()
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByLabel('Code').fill(await codeFor(typed, 3))
      await heading(page, 'Your account')
      await page.getByRole('button', { name: 'Log out' }).click()

      await page.getByRole('link', { name: 'Forgot your password?' }).click()
      await page.getByLabel('Phone, e-mail or username').fill(number)
      await page.getByRole('button', { name: 'Send code' }).click()
      await page.getByLabel('Code').fill(await codeFor(typed, 4))
      await heading(page, 'Choose a new password')
      await page.getByLabel('New password').fill(`${password} again`)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Your password is changed. Log in with it.').waitFor()
      t.strictSame(troubles, [])
    },
  )

  t.test('an account is looked after: names, password, sessions elsewhere, another number, its end', async (t) => {
    const { page, troubles } = await visit(t, browser, url, phone)
    const { phone: number } = await newPerson(call)
    await signIn(page, number)
    await heading(page, 'Your account')
    await page.getByLabel('Name', { exact: true }).fill('Ravi')
    await page.getByRole('button', { name: 'Save' }).click()
    await heading(page, 'Hello, Ravi')
    await page.goto('/account/password')
    await page.getByLabel('Current password').fill('not the password')
    await page.getByLabel('New password').fill(`${password} again`)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('That does not match.').waitFor()
    await page.getByLabel('Current password').fill(password)
    await page.getByRole('button', { name: 'Save' }).click()
    await heading(page, 'Hello, Ravi')
    await page.goto('/account/sessions')
    await page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await heading(page, 'Log in')
    await call('POST', '/v1/login', { identifier: number, password: `${password} again` })
    await signIn(page, number, `${password} again`)
    await heading(page, 'Hello, Ravi')
    t.match(page.url(), /\/account$/, 'who left because he wanted to is not led back to where he did')
    await page.getByRole('listitem').filter({ hasText: 'Where you are signed in' }).getByRole('link').click()
    await page.getByText('This device').waitFor()
    await page.getByRole('button', { name: /Sign out (?!everywhere)/ }).click()
    await eventually(
      'the other session to be gone',
      async () => (await page.getByRole('button', { name: /^Sign out (?!everywhere)/ }).count()) === 0,
    )
    await page.getByRole('link', { name: 'Back to your account' }).click()
    await page.getByRole('listitem').filter({ hasText: 'Mobile number' }).getByRole('link').click()
    const other = typedNumber()
    await page.getByLabel('Mobile number').fill(other)
    await page.getByLabel('Current password').fill(`${password} again`)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByLabel('Code').fill(await codeFor(other))
    await page.getByText(`+91${other}`).waitFor()
    await page.getByRole('link', { name: 'Delete account' }).click()
    await page.getByLabel('Current password').fill(`${password} again`)
    await page.getByRole('button', { name: 'Delete my account' }).click()
    await page.getByText('Tick the box to go on.').waitFor()
    await page.getByLabel('I want to delete my account for good').check()
    await page.getByRole('button', { name: 'Delete my account' }).click()
    await page.getByText('Your account is deleted.').waitFor()
    t.strictSame(troubles, [])
  })

  t.test(
    'who is not signed in is led to the door and back, with a number as it is written at home; an e-mail is changed, and undone from another device',
    async (t) => {
      const { page, troubles } = await visit(t, browser, url)
      const { phone: number } = await newPerson(call)
      const email = `ravi${typedNumber()}@example.com`
      await page.goto('/account/email')
      await heading(page, 'Log in')
      await page.getByLabel('Phone, e-mail or username').fill(number.slice(3))
      await page.getByLabel('Country').waitFor()
      t.equal(await page.getByLabel('Country').inputValue(), 'IN', 'the country that the browser is at home in')
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByRole('button', { name: 'Log in' }).click()
      await heading(page, 'Your e-mail')
      await page.getByLabel('E-mail').fill('no address')
      await page.getByLabel('Current password').fill(password)
      await page.getByRole('button', { name: 'Send code' }).click()
      await page.getByText('Enter an e-mail address, like').waitFor()
      await page.getByLabel('E-mail').fill(email)
      await page.getByRole('button', { name: 'Send code' }).click()
      await page.getByLabel('Code').fill(await codeFromInbox(call, email))
      await page.getByRole('listitem').filter({ hasText: email }).getByText('Verified').waitFor()
      await page.goto('/signup')
      await heading(page, 'Your account')

      const notice = () => call('GET', `/dev/inbox?to=${encodeURIComponent(number)}`)
      const { pathname, hash } = await eventually('the notice', async () => {
        const link = /\S+\/undo#\S+$/.exec((await notice()).body[0].body)?.[0]
        return link !== undefined && new URL(link)
      })
      const elsewhere = await visit(t, browser, url, phone)
      await elsewhere.page.goto(`${pathname}${hash}`)
      await heading(elsewhere.page, 'Undo a change')
      t.equal(new URL(elsewhere.page.url()).hash, '', 'the token does not stay in the address')
      await elsewhere.page.getByRole('button', { name: 'Undo the change' }).click()
      await heading(elsewhere.page, 'The change is undone')
      await elsewhere.page.getByRole('button', { name: 'Choose a password' }).click()
      await heading(elsewhere.page, 'Forgot your password?')
      await elsewhere.page.goto('/undo')
      await elsewhere.page.getByLabel('Letters from the message').fill(hash.slice(1))
      await elsewhere.page.getByRole('button', { name: 'Undo the change' }).click()
      await elsewhere.page.getByText('This cannot be used').waitFor()
      await page.reload()
      await heading(page, 'Log in')
      t.strictSame([...troubles, ...elsewhere.troubles], [])
    },
  )

  t.test('where no mail can be sent, a phone is required to sign up, and the page says so', async (t) => {
    const { page, troubles } = await visit(t, browser, url)
    await page.route('**/signup/details', async (route) => {
      const response = await route.fetch()
      const told = (await response.text()).replace('&#34;mail&#34;:true', '&#34;mail&#34;:false')
      await route.fulfill({ response, body: told })
    })
    await page.goto('/signup/details')
    await page.getByText('The number is needed, because this service sends no e-mail.').waitFor()
    await page.getByLabel('Name').fill('Ravi')
    await page.getByLabel('E-mail').fill('ravi@example.com')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByText('Enter a mobile number that can get text messages.').waitFor()
    t.strictSame(troubles, [])
  })

  t.test(
    'the phone fills in the code by itself, by attribute, by WebOTP and by the last line of the message',
    async (t) => {
      const { page, troubles } = await visit(t, browser, url, phone)
      await page.addInitScript(playedPhone)
      const number = typedNumber()
      await page.goto('/signup')
      await page.getByLabel('Mobile number').fill(number)
      await page.getByRole('button', { name: 'Send code' }).click()
      const field = page.getByLabel('Code')
      await field.waitFor()
      t.equal(await field.getAttribute('autocomplete'), 'one-time-code')
      t.equal(await field.getAttribute('inputmode'), 'numeric')
      const code = await codeFor(number)
      const [message] = (await call('GET', `/dev/inbox?to=${encodeURIComponent(`+91${number}`)}`)).body
      t.ok(message.body.endsWith(`\n@app.example.com #${code}`), 'the line by which phones know whose code it is')
      t.strictSame(await page.evaluate('phone.asked'), {
        transport: ['sms'],
      })
      await page.evaluate(`phone.give('${code}')`)
      await heading(page, 'Choose a password')
      t.strictSame(troubles, [])
    },
  )

  t.test('what became of a message is said in words, and a code that cannot be used any more leads back', async (t) => {
    const { page } = await visit(t, browser, url)
    await page.route('**/v1/challenges/*', async (route) => {
      const answer = await route.fetch()
      const body = { ...(await answer.json()), delivery: 'failed', reason: 'x', reasonCode: 'not_mobile' }
      await route.fulfill({ response: answer, json: body })
    })
    await page.goto('/signup')
    const number = typedNumber()
    await page.getByLabel('Mobile number').fill(number)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByText('Could not reach this number: it cannot receive text messages. Use a mobile number.').waitFor()
    const code = await codeFor(number)
    for (const left of [4, 3, 2, 1]) {
      await page.getByLabel('Code').fill(code === '000000' ? '111111' : '000000')
      await page.getByText(`${left} ${left === 1 ? 'try' : 'tries'} left`).waitFor()
    }
    await page.getByLabel('Code').fill(code === '000000' ? '111111' : '000000')
    await page.getByText('no tries are left').waitFor()
    await page.getByRole('link', { name: 'Use another number or address' }).click()
    await heading(page, 'Create your account')
    t.match(await page.getByLabel('Mobile number').inputValue(), new RegExp(number.slice(5)))
  })

  t.test('two tabs whose token ran out at once refresh it once, and both stay signed in', async (t) => {
    const { page, troubles } = await visit(t, browser, url)
    const { phone: number } = await newPerson(call)
    await signIn(page, number)
    await heading(page, 'Your account')
    const other = await page.context().newPage()
    await other.goto('/account')
    await heading(other, 'Your account')
    let refreshes = 0
    page.context().on('request', (request) => void (refreshes += request.url().endsWith('/v1/token/refresh') ? 1 : 0))
    await page.evaluate(staleSession)
    await Promise.all([page.reload(), other.reload()])
    await Promise.all([heading(page, 'Your account'), heading(other, 'Your account')])
    t.equal(refreshes, 1)
    await page.getByRole('button', { name: 'Log out' }).click()
    await heading(other, 'Log in')
    t.strictSame(troubles, [], 'and who logs out in one is out in both')
  })

  t.test(
    'offline is said, of a page that cannot be fetched too, and what was typed can be sent when the network is back',
    async (t) => {
      const { page } = await visit(t, browser, url)
      const { phone: number } = await newPerson(call)
      await page.goto('/login')
      await page.getByLabel('Phone, e-mail or username').fill(number)
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.context().setOffline(true)
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByText('No connection.').waitFor()
      await page.getByRole('link', { name: 'Forgot your password?' }).click()
      await heading(page, 'No connection')
      await page.context().setOffline(false)
      await page.getByRole('button', { name: 'Try again' }).click()
      await heading(page, 'Forgot your password?')
      await page.getByRole('link', { name: 'Back to log in' }).click()
      t.equal(await page.getByLabel('Phone, e-mail or username').inputValue(), number)
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.getByRole('button', { name: 'Log in' }).click()
      await heading(page, 'Your account')
    },
  )

  t.test('axe finds nothing on any page, at either width, in either scheme, from right to left', async (t) => {
    const looks = [
      [desktop, 'light', 'en-IN', ''],
      [phone, 'dark', 'ar-AE', 'rtl'],
    ] as const
    for (const [size, colorScheme, locale, dir] of looks) {
      const { phone: number } = await newPerson(call)
      const { page, troubles } = await visit(t, browser, url, { ...size, colorScheme, locale })
      const look = async (path: string) => {
        await page.goto(path)
        await page.locator('main .card button, main .card li').first().waitFor()
        t.strictSame(await findings(page), [], `${path} ${locale}`)
        const wider = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
        t.equal(wider, 0, `${path} fits ${locale}`)
      }
      for (const path of ['/undo', '/login', '/login/code', '/signup', '/signup/details', '/forgot']) await look(path)
      await page.getByRole('textbox').fill(number)
      await page.locator('button[type=submit]').click()
      await page.locator('.code').waitFor()
      t.strictSame(await findings(page), [], `/code ${locale}`)
      t.equal(await page.evaluate('document.documentElement.dir'), dir === '' ? 'ltr' : dir)
      await page.goto('/login')
      await page.getByRole('textbox').first().fill(number)
      await page.locator('input[type=password]').fill(password)
      await page.locator('button[type=submit]').click()
      await page.waitForURL('**/account')
      for (const path of ['', '/password', '/phone', '/email', '/sessions', '/second-factor', '/delete'])
        await look(`/account${path}`)
      t.strictSame(troubles, [])
    }
  })
})
