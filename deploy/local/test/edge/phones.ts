import type { Test } from 'tap'
import { faces } from '../dialects/faces/faces.js'
import { settle } from '../dialects/scene.js'
import { type Client, type Person, randomPerson, type World } from '../dialects/world.js'
import type { Answer } from '../journey/journey.js'

// Ways to write an Indian mobile number. Every face reads one as the number that it is, or refuses it.

type Reading = 'read' | 'refused'

interface Spelling {
  readonly what: string
  /** Of the ten national digits. */
  readonly spell: (n: string) => string
  readonly reads: Reading
  /** Where a face has the country from elsewhere, if otherwise. */
  readonly nationally?: Reading
}

const parts = (n: string) => [n.slice(0, 5), n.slice(5)] as const
const digits = (n: string, zero: number) => n.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))
const read = (what: string, spell: Spelling['spell']): Spelling => ({ what, spell, reads: 'read' })
const refused = (what: string, spell: Spelling['spell']): Spelling => ({ what, spell, reads: 'refused' })
const national = (what: string, spell: Spelling['spell']): Spelling => ({
  what,
  spell,
  reads: 'refused',
  nationally: 'read',
})

const spellings: readonly Spelling[] = [
  read('as it is', (n) => `+91${n}`),
  read('blanks', (n) => `+91 ${parts(n).join(' ')}`),
  read('dashes', (n) => `+91-${parts(n).join('-')}`),
  read('dots', (n) => `+91.${parts(n).join('.')}`),
  read('parentheses', (n) => `+91 (${parts(n)[0]}) ${parts(n)[1]}`),
  read('00 for +', (n) => `0091${n}`),
  read('00 and dashes', (n) => `00 91-${parts(n).join('-')}`.replace('00 ', '00')),
  read('a trunk 0 in parentheses', (n) => `+91 (0) ${parts(n).join(' ')}`),
  read('a trunk 0', (n) => `+91 0${n}`),
  read('every digit apart', (n) => `+9 1 ${n.split('').join(' ')}`),
  read('blanks around it', (n) => `  +91${n} `),
  read('a no-break space before it', (n) => `\u00a0+91${n}`),
  national('national', (n) => n),
  national('national, with a trunk 0', (n) => `0${n}`),
  national('national, in parts', (n) => `(${parts(n)[0]}) ${parts(n)[1]}`),
  refused('its country without +', (n) => `91${n}`),
  refused('dialled from America', (n) => `01191${n}`),
  refused('+0', (n) => `+0${n}`),
  refused('+00', (n) => `+0091${n}`),
  refused('two pluses', (n) => `++91${n}`),
  refused('a plus in the middle', (n) => `+91+${n}`),
  refused('a plus at the end', (n) => `+91${n}+`),
  refused('a fullwidth plus', (n) => `\uff0b91${n}`),
  refused('Arabic-Indic digits', (n) => `+91${digits(n, 0x660)}`),
  refused('Devanagari digits', (n) => `+91${digits(n, 0x966)}`),
  refused('fullwidth digits', (n) => `+91${digits(n, 0xff10)}`),
  refused('bold digits', (n) => `+91${digits(n, 0x1d7ce)}`),
  refused('a zero-width space', (n) => `+91\u200b${n}`),
  refused('a zero-width joiner at the end', (n) => `+91${n}\u200d`),
  refused('marks of direction, as copied from a list of contacts', (n) => `\u202a+91${n}\u202c`),
  refused('no-break spaces', (n) => `+91\u00a0${n}`),
  refused('a soft hyphen', (n) => `+91${parts(n).join('\u00ad')}`),
  refused('dashes of print', (n) => `+91\u2013${n}`),
  refused('a tab', (n) => `+91\t${n}`),
  refused('a line break', (n) => `+91\n${n}`),
  refused('an extension', (n) => `+91${n};ext=12`),
  refused('an extension after x', (n) => `+91${n} x12`),
  refused('an extension in words', (n) => `+91${n} ext. 12`),
  refused('tones after it', (n) => `+91${n},,12#`),
  refused('a link', (n) => `tel:+91${n}`),
  refused('words before it', (n) => `call +91${n}`),
  refused('words after it', (n) => `+91${n} please`),
  refused('two numbers', (n) => `+91${n} +91${n}`),
  refused('a slash', (n) => `+91${parts(n).join('/')}`),
  refused('a digit too few', (n) => `+91${n.slice(1)}`),
  refused('a digit too many', (n) => `+91${n}0`),
  refused('premium', () => '+449098790000'),
  refused('a satellite', () => '+870773111632'),
  refused('toll-free', () => '+18005550100'),
  refused('a landline', () => '+4930901820'),
  refused('blanks alone', () => '   '),
]

/** Asks one face to send a code to a number, as it was typed. */
interface Sender {
  readonly face: string
  /** Whether it has the country of a number from elsewhere. */
  readonly national: boolean
  send(by: Client, typed: string): Promise<Answer>
  /** Whether a second send inside the cooldown of a number was held back as one. */
  held(answer: Answer): boolean
}

const cooling = ({ headers, status }: Answer) => headers['retry-after'] !== undefined && status < 500
const person = (typed: string) => ({ ...randomPerson(), phone: typed })
const ofFace = (name: string) => faces.find((face) => face.name === name) as (typeof faces)[number]

const senders: readonly Sender[] = [
  { face: 'v1', national: false, send: (by, phone) => by.call('POST', '/v1/login/code', { phone }), held: cooling },
  ...['staged', 'rently', 'users-api'].map((name) => ({
    face: name,
    national: name === 'staged',
    send: (by: Client, typed: string) => ofFace(name).send(by, person(typed)),
    held: cooling,
  })),
  {
    face: 'careops',
    national: false,
    // Its resends name an e-mail; a register inside the cooldown of its phone succeeds and sends nothing.
    send: (by, typed) => ofFace('careops').register(by, person(typed)),
    held: ({ status, body }) => status === 201 && body.sms_status === 'skipped',
  },
  {
    face: 'jodimilan',
    national: true,
    send: (by, phone) => by.call('POST', '/jodimilan/api/auth/resend/otp', { phone, dialing_code: '91' }),
    held: cooling,
  },
]

const readingOf = ({ reads, nationally = reads }: Spelling, face: { national: boolean }) =>
  face.national ? nationally : reads

/** Every spelling at every face: held back by the cooldown of the number that it is, or refused. */
export async function playSpellings(t: Test, { client }: World): Promise<void> {
  t.ok(spellings.length > 40)
  for (const sender of senders) {
    const { phone } = randomPerson()
    const by = client()
    t.ok((await sender.send(by, phone)).status < 300, `${sender.face}: the first is sent`)
    const wrong: string[] = []
    for (const spelling of spellings) {
      const answer = await sender.send(by, spelling.spell(phone.slice(3)))
      const held = sender.held(answer)
      const isRefused = !held && [400, 422].includes(answer.status)
      if (readingOf(spelling, sender) === 'read' ? !held : !isRefused)
        wrong.push(`${spelling.what}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    t.same(wrong, [], sender.face)
  }
}

const logIns: readonly [
  face: string,
  national: boolean,
  logIn: (by: Client, typed: string, who: Person) => Promise<Answer>,
][] = [
  [
    'staged',
    true,
    (by, phoneNumber, { password }) => by.call('POST', '/staged/api/auth/login', { phoneNumber, password }),
  ],
  [
    'jodimilan',
    true,
    (by, email, { password }) => by.call('POST', '/jodimilan/api/auth/login', { email, password, dialing_code: '+91' }),
  ],
  ['v1', false, (by, identifier, { password }) => by.call('POST', '/v1/login', { identifier, password })],
]

/** One account, by whichever spelling its number is typed. */
export async function playLogIns(t: Test, { client, code }: World): Promise<void> {
  const by = client()
  const { who } = await settle({ face: ofFace('staged'), code }, by)
  for (const [face, isNational, logIn] of logIns) {
    const wrong: string[] = []
    for (const spelling of spellings.filter((one) => one.reads === 'read' || one.nationally === 'read')) {
      const { status } = await logIn(by, spelling.spell(who.phone.slice(3)), who)
      const isRead = readingOf(spelling, { national: isNational }) === 'read'
      if (isRead ? status !== 200 : ![400, 401, 422].includes(status)) wrong.push(`${spelling.what}: ${status}`)
    }
    t.same(wrong, [], face)
  }
  for (const dialing_code of ['091', '0091', '+091', ' 91', '9 1', '+', '\u0669\u0661', '91;ext=1', '1234'])
    t.equal(
      (await by.call('POST', '/jodimilan/api/auth/resend/otp', { phone: who.phone.slice(3), dialing_code })).status,
      422,
      `"${dialing_code}" is no country`,
    )
}
