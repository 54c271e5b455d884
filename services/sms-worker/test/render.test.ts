import type { E164 } from '@latchkey/contracts/phone'
import { purposes } from '@latchkey/contracts/v1/shapes'
import { SegmentedMessage } from 'sms-segments-calculator'
import t from 'tap'
import { brandMax, createRender, domainMax } from '../src/messages/render.js'

const to = '+919876543210' as E164
const code = { kind: 'code', to, code: '123456' } as const
const notice = { kind: 'account_exists', to } as const
const changed = { kind: 'phone_changed', to, undoToken: 'w'.repeat(28) } as const

t.test('the code comes in the words of the documents, with the WebOTP line last', async (t) => {
  const render = createRender({ brand: 'Acme', domain: 'app.example.com' })
  t.equal(
    render(code, 'sign_in', 'en'),
    "Acme: 123456 is your code. Don't share it with anyone.\n\n@app.example.com #123456",
  )
})

t.test('without a domain there is no WebOTP line, and a notice never has one', async (t) => {
  t.equal(
    createRender({ brand: 'Acme' })(code, 'sign_up', 'en'),
    "Acme: 123456 is your code. Don't share it with anyone.",
  )
  t.notMatch(createRender({ brand: 'Acme', domain: 'app.example.com' })(notice, 'sign_up', 'en'), '@')
})

t.test(
  'who left a number is told with the way to undo it, last and in letters only: nothing takes it for a code',
  async (t) => {
    const text = createRender({ brand: 'Acme', domain: 'app.example.com' })(changed, 'change_phone', 'en')
    t.match(text, /^Acme: .* w{28}$/)
    t.notMatch(text, /\d{4}|@/)
  },
)

t.test('a language we do not speak is English', async (t) => {
  const render = createRender({ brand: 'Acme' })
  for (const locale of ['', 'xx', 'tlh-AA', 'constructor', '__proto__'])
    t.equal(render(code, 'sign_in', locale), render(code, 'sign_in', 'en-GB'))
})

t.test('a brand that looks like a pattern stays what it is', async (t) => {
  t.match(createRender({ brand: 'A $& {code}' })(notice, 'sign_up', 'en'), 'A $& {code}:')
})

t.test('every text is one GSM-7 segment, even with the longest brand, domain and code', async (t) => {
  const render = createRender({ brand: 'M'.repeat(brandMax), domain: `${'m'.repeat(domainMax - 4)}.com` })
  for (const message of [{ ...code, code: '1234567890' }, notice, changed])
    for (const purpose of purposes) {
      const counted = new SegmentedMessage(render(message, purpose, 'en'))
      t.strictSame([counted.segmentsCount, counted.encodingName], [1, 'GSM-7'], `${message.kind} ${purpose}`)
    }
})
