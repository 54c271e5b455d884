import { AppError } from '@latchkey/kit/app-error'
import t from 'tap'
import { createReadPhone } from '../src/phones/canonical-phone.js'

const readPhone = createReadPhone({
  countries: '*',
  testNumbers: new Map([
    ['+1234567890', undefined],
    ['+919876500000', '123456'],
  ]),
})

const refusal = (text: string, read = readPhone): string | undefined => {
  try {
    return `read as ${read(text).e164}`
  } catch (error) {
    return error instanceof AppError ? error.code : 'another error'
  }
}

t.test('every spelling of a number is one number', async (t) => {
  for (const text of [
    '+919876543210',
    '+91 98765 43210',
    '+91-98765-43210',
    '+91 (98765) 43210',
    '00919876543210',
    '0091 98765 43210',
    ' +919876543210 ',
    '+91.98765.43210',
    '+91 9876 543 210',
    '+9 1 9 8 7 6 5 4 3 2 1 0',
    '0091-98765-43210',
    '+91 (0) 98765 43210',
    '+91-0-98765-43210',
    '\u00a0+919876543210',
    '\ufeff+919876543210',
    '+919876543210\n',
  ]) {
    t.match(readPhone(text), { e164: '+919876543210', country: 'IN', masked: '+91••••••3210' }, text)
  }
})

t.test('what no text message can reach is refused', async (t) => {
  const impossible = {
    'no country code': '9876543210',
    'too short': '+91987654',
    'too long': '+9198765432101234',
    'no such range': '+910000000000',
    words: 'call me',
    'text around it': 'tel:+919876543210',
    'after it': '+919876543210 please',
    extension: '+919876543210;ext=5',
    'extension in words': '+919876543210 x5',
    'Arabic digits': '+٩١٩٨٧٦٥٤٣٢١٠',
    'full-width digits': '+９１９８７６５４３２１０',
    'a zero-width space': '+91​9876543210',
    'a newline inside': '+91\n9876543210',
    'a German landline': '+4930901820',
    'UK premium': '+449098790000',
    satellite: '+870773111632',
    'UK personal number': '+447000000000',
    'shared cost': '+448450000000',
    'toll-free': '+18005550100',
    empty: '',
    plus: '+',
    'two pluses': '++919876543210',
    'letters for digits': '+9198765FLOWER',
    'Devanagari digits': '+९१९८७६५४३२१०',
    'bold digits': '+91𝟗𝟖𝟕𝟔𝟓𝟒𝟑𝟐𝟏𝟎',
    'a full-width plus': '＋919876543210',
    'a zero-width joiner at the end': '+919876543210\u200d',
    'a zero-width space before it': '\u200b+919876543210',
    'marks of direction': '\u202a+919876543210\u202c',
    'no-break spaces inside': '+91\u00a098765\u00a043210',
    'a thin space inside': '+91\u200998765\u200943210',
    'a soft hyphen': '+9198765\u00ad43210',
    'dashes of print': '+91–98765–43210',
    'a minus sign': '+91−9876543210',
    'a tab inside': '+91\t9876543210',
    NUL: '+919876543210\u0000',
    'a plus in the middle': '+91+9876543210',
    'a plus at the end': '+919876543210+',
    'a plus and 0': '+0919876543210',
    'a plus and 00': '+00919876543210',
    'a 0 too many': '000919876543210',
    'dialled from America': '011919876543210',
    'a country code without its plus': '919876543210',
    'a country twice': '+91919876543210',
    'an extension after a hash': '+919876543210#12',
    'an extension, written out': '+919876543210 ext. 12',
    'tones after it': '+919876543210,,12',
    'a link to text': 'sms:+919876543210',
    'in angle brackets': '<+919876543210>',
    'two numbers': '+919876543210 +919876543210',
    'a slash': '+9198765/43210',
    'a country in parentheses': '(+91) 9876543210',
    'a satellite of another kind': '+881612345678',
    'toll-free of all the world': '+80012345678',
    'premium of all the world': '+979123456789',
    'a personal number of all the world': '+878101234567890',
    'UK pager': '+447640123456',
    'UK company number': '+445512345678',
    'UK internet telephone': '+445612345678',
    'Swiss voicemail': '+41860791234567',
    'Indian toll-free': '+911800123456',
    'Indian landline': '+911123456789',
    'US premium': '+19002345678',
  }
  for (const [name, text] of Object.entries(impossible)) t.equal(refusal(text), 'request.invalid', name)
})

t.test('only the countries that are listed get messages', async (t) => {
  const inIndia = createReadPhone({ countries: new Set(['IN']), testNumbers: new Map() })
  t.equal(inIndia('+919876543210').country, 'IN')
  t.equal(refusal('+447911123456', inIndia), 'request.invalid')
})

t.test('a test number is taken whatever it looks like, with its fixed code where it has one', async (t) => {
  t.match(readPhone('+1234567890'), { e164: '+1234567890', country: 'ZZ', test: { code: undefined } })
  t.match(readPhone('+91 98765 00000').test, { code: '123456' })
  t.equal(readPhone('+919876543210').test, undefined)
  t.match(readPhone('+91 (0) 98765 00000'), { e164: '+919876500000', test: { code: '123456' } }, 'in any spelling')
})

t.test('a zero before the number goes where it is none of its digits, and stays where it is one', async (t) => {
  for (const [text, e164] of [
    ['+91 098765 43210', '+919876543210'],
    ['+44 (0)7911 123456', '+447911123456'],
    ['+36 06 20 123 4567', '+36201234567'],
    ['+225 07 07 12 34 56', '+2250707123456'],
    ['+242 06 123 4567', '+242061234567'],
  ])
    t.equal(readPhone(String(text)).e164, e164)
})

t.test('a country with two codes and a code with two countries mix nobody up', async (t) => {
  for (const [e164, country] of [
    ['+18092345678', 'DO'],
    ['+18292345678', 'DO'],
    ['+17872345678', 'PR'],
    ['+19392345678', 'PR'],
    ['+77710009998', 'KZ'],
    ['+79123456789', 'RU'],
  ] as const)
    t.match(readPhone(e164), { e164, country })
})

t.test('a mark of mobiles that a country once wanted makes no second number', async (t) => {
  for (const text of ['+54 9 11 2345-6789', '+54 11 15 2345-6789', '+54 (011) 15-2345-6789'])
    t.equal(readPhone(text).e164, '+5491123456789', text)
  t.equal(refusal('+52 1 222 123 4567'), 'request.invalid')
})

t.test('what was read is read again as itself', async (t) => {
  for (const text of [
    '+91 098765 43210',
    '+44 (0)7911 123456',
    '+36 06 20 123 4567',
    '+242 06 123 4567',
    '+39 347 1234567',
  ])
    t.equal(readPhone(readPhone(text).e164).e164, readPhone(text).e164, text)
})
