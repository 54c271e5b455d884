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
