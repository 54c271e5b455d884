import { randomInt } from 'node:crypto'
import type { Bench } from './bench.js'
import type { Contender, Pending, Signed } from './contenders/contender.js'
import { closedLoop } from './open-loop.js'

/** What everybody's password is. */
export const password = 'correct horse battery staple'

let people = randomInt(10 ** 7)

/** Numbers whose first digits are the same; what is unanswered in one is counted, as it would be of one small town. */
const ranges = 10_000

/** A number nobody else in this run has; one after another in another range, as honest people's are. */
export function newPhone(): string {
  people += 1
  const [range, line] = [people % ranges, Math.floor(people / ranges) % 10_000]
  return `+9198${String(range).padStart(4, '0')}${String(line).padStart(4, '0')}`
}

interface Waiting extends Pending {
  readonly code: string
}

/** People who have signed up and hold their code; the carrier is quick meanwhile. */
export async function withCodes(
  bench: Bench,
  count: number,
  ask: (turn: number) => Promise<Pending>,
): Promise<readonly Waiting[]> {
  const { carrier } = bench.place
  await carrier.quick()
  await carrier.forget()
  const pending: Pending[] = []
  await all(count, async (turn) => void pending.push(await ask(turn)))
  const codes = await carrier.codes(pending.map(({ phone }) => phone))
  return pending.map((one) => ({ ...one, code: codes.get(one.phone) ?? '' }))
}

const prepared = new WeakMap<Contender, { bare: Signed[]; withPassword: Signed[] }>()

/** At least so many people with an account and a session, with a password where it is asked for; a contender's are made once. */
export async function accounts(
  bench: Bench,
  contender: Contender,
  { count, withPassword = false }: { count: number; withPassword?: boolean },
): Promise<Signed[]> {
  const known = prepared.get(contender) ?? { bare: [], withPassword: [] }
  prepared.set(contender, known)
  const list = withPassword ? known.withPassword : known.bare
  if (list.length < count) list.push(...(await make(bench, contender, count - list.length, withPassword)))
  return list
}

async function make(bench: Bench, contender: Contender, count: number, withPassword: boolean): Promise<Signed[]> {
  bench.say(`  ${contender.name}: preparing ${count} accounts`)
  const { carrier } = bench.place
  const { setPassword } = contender
  const brings = withPassword && setPassword === undefined ? password : undefined
  const waiting = await withCodes(bench, count, () => contender.signUp(newPhone(), brings))
  const signed: Signed[] = []
  await all(waiting.length, async (turn) => {
    const { code, ...pending } = waiting[turn] as Waiting
    signed.push(await contender.answer(pending, code))
  })
  if (!withPassword || setPassword === undefined) return signed
  await carrier.forget()
  await all(signed.length, async (turn) => {
    const { phone } = signed[turn] as Signed
    const codeOf = async () => (await carrier.codes([phone])).get(phone) ?? ''
    await setPassword(phone, password, codeOf)
  })
  return signed
}

/** Everything that has to be there before something is measured: a few at a time, and nothing may fail. */
async function all(count: number, one: (turn: number) => Promise<void>): Promise<void> {
  const { failed, trouble } = await closedLoop(one, { callers: 8, turns: count })
  if (failed > 0) throw new Error(`${failed} of ${count} could not be prepared: ${trouble ?? ''}`)
}
