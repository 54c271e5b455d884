import { createRequire } from 'node:module'
import type { E164 } from '@latchkey/contracts/phone'
import { type Language, languages } from '@latchkey/contracts/v1/languages'
import { purposes } from '@latchkey/contracts/v1/shapes'
import { SegmentedMessage } from 'sms-segments-calculator'
import t from 'tap'
import { brandMax, createRender, domainMax, helpText, pagesUrlMax } from '../src/messages/render.js'

// Its types are those of another module format than its code.
const require = createRequire(import.meta.url)
const bidi = require('bidi-js')()

const to = '+919876543210' as E164
const code = { kind: 'code', to, code: '123456' } as const
const notice = { kind: 'account_exists', to } as const
const changed = { kind: 'phone_changed', to, undoToken: 'w'.repeat(28) } as const
const mailChanged = { ...changed, kind: 'email_changed' } as const

t.test('the code comes in the words of the documents, with the WebOTP line last', async (t) => {
  const render = createRender({ brand: 'Acme', domain: 'app.example.com', languages })
  t.equal(
    render(code, 'sign_in', 'en'),
    "Acme: 123456 is your code. Don't share it with anyone.\n\n@app.example.com #123456",
  )
})

t.test('without a domain there is no WebOTP line, and a notice never has one', async (t) => {
  t.equal(
    createRender({ brand: 'Acme', languages })(code, 'sign_up', 'en'),
    "Acme: 123456 is your code. Don't share it with anyone.",
  )
  t.notMatch(createRender({ brand: 'Acme', domain: 'app.example.com', languages })(notice, 'sign_up', 'en'), '@')
})

t.test(
  'who left a number is told with the way to undo it, last and in letters only: nothing takes it for a code',
  async (t) => {
    const text = createRender({ brand: 'Acme', domain: 'app.example.com', languages })(changed, 'change_phone', 'en')
    t.match(text, /^Acme: .* w{28}$/)
    t.notMatch(text, /\d{4}|@/)
  },
)

t.test('a region keeps its language; what is not written is the first that is', async (t) => {
  const all = createRender({ brand: 'Acme', languages })
  for (const [locale, language] of [
    ['pt-BR', 'pt'],
    ['AR-eg', 'ar'],
    ['en-GB', 'en'],
    ['hi', 'hi'],
  ] as const)
    t.equal(all(code, 'sign_in', locale), all(code, 'sign_in', language), locale)
  for (const first of languages) {
    const few = createRender({ brand: 'Acme', languages: [first] })
    for (const locale of ['', 'xx', 'tlh-AA', 'constructor', '__proto__', '*', ...languages])
      t.equal(few(code, 'sign_in', locale), all(code, 'sign_in', first), `${locale} in ${first}`)
  }
  t.equal(new Set(languages.map((language) => all(code, 'sign_in', language))).size, languages.length)
})

t.test('a brand that looks like a pattern stays what it is', async (t) => {
  t.match(createRender({ brand: 'A $& {code}', languages })(notice, 'sign_up', 'en'), 'A $& {code}:')
})

/** Everything there is to say, as long as it can be. */
const longest = { brand: 'M'.repeat(brandMax), domain: `${'m'.repeat(domainMax - 4)}.com`, languages } as const
const pagesUrl = `https://${'m'.repeat(pagesUrlMax - 12)}.com`
function everyText(language: Language, linked = false): [name: string, text: string][] {
  const render = createRender({ ...longest, ...(linked && { pagesUrl }) })
  const messages = [{ ...code, code: '1234567890' }, notice, changed, mailChanged]
  return [
    ...messages.flatMap((message) =>
      purposes.map((purpose): [string, string] => [`${message.kind} ${purpose}`, render(message, purpose, language)]),
    ),
    ['help', helpText({ ...longest, languages: [language] })],
  ]
}

// GSM-7 has no letters of Hindi and Arabic: 70 characters a message then, 67 where there are two.
const budgets: Readonly<Record<Language, { readonly segments: number; readonly encoding: string }>> = {
  en: { segments: 1, encoding: 'GSM-7' },
  es: { segments: 1, encoding: 'GSM-7' },
  fr: { segments: 1, encoding: 'GSM-7' },
  pt: { segments: 1, encoding: 'GSM-7' },
  hi: { segments: 2, encoding: 'UCS-2' },
  ar: { segments: 2, encoding: 'UCS-2' },
}

for (const language of languages) {
  const { segments, encoding } = budgets[language]
  t.test(
    `every text in ${language} is ${segments} of ${encoding} at most, even with the longest brand, domain and code`,
    async (t) => {
      for (const [name, text] of everyText(language)) {
        const counted = new SegmentedMessage(text)
        t.ok(counted.segmentsCount <= segments, `${name}: ${counted.segmentsCount}`)
        t.equal(counted.encodingName, encoding, name)
      }
    },
  )

  t.test(`a notice that links to its undo has one segment more at most, in ${language}`, async (t) => {
    const notices = everyText(language, true).filter(([name]) => /^(phone|email)_changed/.test(name))
    t.ok(notices.length > 0)
    for (const [name, text] of notices) {
      const counted = new SegmentedMessage(text)
      t.ok(counted.segmentsCount <= segments + 1, `${name}: ${counted.segmentsCount}`)
      t.equal(counted.encodingName, encoding, name)
      t.ok(text.endsWith(` ${pagesUrl}/undo#${'w'.repeat(28)}`), 'last, so that nothing is taken for a part of it')
    }
  })

  t.test(`what is put into a text stands in it, once and whole, in ${language}`, async (t) => {
    for (const [name, text] of everyText(language)) {
      t.equal(text.split(longest.brand).length, 2, `${name}: the brand`)
      t.notMatch(text, /[{}]/, name)
      const told = name.startsWith('code') ? `@${longest.domain} #1234567890` : undefined
      if (told !== undefined) t.ok(text.endsWith(`\n\n${told}`), `${name}: the WebOTP line`)
      else t.notMatch(text, /\d{4}|@/, `${name}: nothing takes it for a code`)
      if (/^(phone|email)_changed/.test(name)) t.match(text, / w{28}$/)
    }
  })
}

t.test('in a right-to-left language the brand is read first, then the code, then what they are', async (t) => {
  for (const brand of ['Acme', 'Acme (UK)', '(x) Bank!', 'M&S+']) {
    const render = createRender({ brand, languages: ['ar'] })
    const codes = purposes.map((purpose) => render(code, purpose, 'ar'))
    const others = [
      render(notice, 'sign_up', 'ar'),
      render(changed, 'change_phone', 'ar'),
      helpText({ brand, languages: ['ar'] }),
    ]
    for (const text of [...codes, ...others]) {
      const levels = bidi.getEmbeddingLevels(text)
      t.equal(levels.paragraphs[0]?.level, 1, 'the line runs from right to left')
      const seen = bidi.getReorderedString(text, levels).replace(/[\u200e\u200f]/g, '')
      t.ok(seen.endsWith(` :${brand}`), seen)
      if (codes.includes(text)) t.match(seen, / 123456 :/)
    }
  }
})
