import t from 'tap'
import { codeFromInbox, journey, randomPhone } from '../journey/journey.js'
import { desktop, findings, openBrowser, phone, visit } from './browser.js'

t.test('the phone in the box shows what comes in as it comes, and what a carrier that fails leads to', async (t) => {
  const [{ stack, call }, browser] = await Promise.all([journey(t), openBrowser(t)])
  const permissions = ['clipboard-read', 'clipboard-write']
  const { page, troubles } = await visit(t, browser, stack.gatewayUrl, { ...desktop, permissions })
  await page.goto('/dev/inbox')
  await page.getByText('Live', { exact: true }).waitFor()

  t.test('a message comes without a reload, is said aloud, and its code is copied by a key', async (t) => {
    const number = randomPhone()
    await call('POST', '/v1/signup', { phone: number })
    const code = await codeFromInbox(call, number)
    await page.getByText(`New message to ${number}: ${code}`).waitFor({ state: 'attached' })
    await page.getByRole('button', { name: `Copy ${code}` }).focus()
    await page.keyboard.press('Enter')
    await page.getByText(`Copied ${code}`).waitFor()
    t.equal(await page.evaluate('navigator.clipboard.readText()'), code)
    await page.getByText('attempt 1, inbox: took it').waitFor()
  })

  t.test('a carrier that is made to refuse is seen to, and the other one brings the message', async () => {
    const inbox = page.getByRole('group', { name: 'inbox' })
    await inbox.getByRole('button', { name: 'Refuse' }).click()
    await inbox.getByText(/takes nothing, and says so · \d+ s left/).waitFor()
    await page.getByRole('button', { name: 'Send a code to a new number' }).click()
    await page.getByText('attempt 1, inbox: it takes nothing at the moment').waitFor()
    await page.getByText('attempt 2, backup: took it').waitFor()
    await page.getByText('by backup, attempt 2').waitFor()
    await inbox.getByRole('button', { name: 'Make well' }).click()
    await inbox.getByText('well', { exact: true }).waitFor()
  })

  t.test('a reload shows what was there, and one number alone where it is chosen', async (t) => {
    const number = randomPhone()
    await call('POST', '/v1/signup', { phone: number })
    const code = await codeFromInbox(call, number)
    await page.reload()
    await page.getByRole('button', { name: `Copy ${code}` }).waitFor()
    const messages = page.getByRole('list', { name: 'Messages' }).getByRole('listitem')
    t.equal(await messages.count(), 3)
    await page.getByLabel('Number').selectOption(number)
    t.equal(await messages.count(), 1)
  })

  t.test('axe finds nothing, at desktop and phone width, light and dark', async (t) => {
    for (const { viewport } of [desktop, phone])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme })
        t.strictSame(await findings(page), [], `${viewport.width} ${colorScheme}`)
      }
  })
  t.strictSame(troubles, [], 'it asked nobody else, and its policy let all of it through')
})
