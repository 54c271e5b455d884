import fc from 'fast-check'
import { newPerson, type Person } from './person.js'
import { stories } from './stories.js'
import type { Town } from './town.js'

/** A story, and what else is done in between. */
export interface Life {
  readonly story: string
  readonly between: readonly { readonly at: number; readonly step: string }[]
}

const hows = fc.oneof(
  { weight: 10, arbitrary: fc.nat(999).map((n) => `malformed ${n}`) },
  {
    weight: 6,
    arbitrary: fc
      .array(fc.tuple(fc.nat(12), fc.jsonValue({ maxDepth: 2 })), { minLength: 1, maxLength: 3 })
      .map((values) => `junk ${JSON.stringify(values)}`),
  },
  { weight: 4, arbitrary: fc.constant('right') },
  { weight: 2, arbitrary: fc.constant('large') },
  { weight: 3, arbitrary: fc.constantFrom('wrong', 'spent', 'anonymous', 'foreign') },
  { weight: 1, arbitrary: fc.constant('flooded') },
)
/** Lives as they may come: valid flows with malformed, wrong and stale requests in between. */
export function anyLife({ acts }: Pick<Town, 'acts'>): fc.Arbitrary<Life> {
  const asked = fc
    .tuple(fc.constantFrom('', 'other ', 'other ', 'rival '), fc.constantFrom(...Object.keys(acts)), hows)
    .map(([who, act, how]) => `${who}${act} ${how}`)
  const step = fc.oneof(
    { weight: 60, arbitrary: asked },
    { weight: 1, arbitrary: fc.constantFrom('later 31', 'later 61', 'later 601', 'later 3601') },
  )
  return fc.record({
    story: fc.constantFrom(...Object.keys(stories)),
    between: fc.array(fc.record({ at: fc.nat(40), step }), { minLength: 8, maxLength: 24, size: 'max' }),
  })
}

/** What is done, in order. */
function stepsOf({ acts }: Town, { story, between }: Life): string[] {
  const forOperators = Object.keys(acts).filter((name) => name.includes(':/v1/admin/'))
  const macros: Readonly<Record<string, readonly string[]>> = {
    look: forOperators.filter((name) => name.startsWith('GET:')),
    // The twentieth is a type that nobody reads.
    touch: forOperators
      .filter((name) => !name.startsWith('GET:'))
      .flatMap((name) => [name, `${name} large`, `${name} malformed 0`, `${name} malformed 20`, `${name} flooded`]),
  }
  const steps = (stories[story] ?? []).flatMap((one) => macros[one] ?? [one])
  return steps.flatMap((one, n) => [
    ...between.filter(({ at }) => at % steps.length === n).map((more) => more.step),
    one,
  ])
}

/** Lives a life from its beginning. Throws at the first answer that may not be. */
export const live = async (town: Town, life: Life): Promise<void> => void (await liveThrough(town, stepsOf(town, life)))

/** The same step by step; whose life it was. */
export async function liveThrough(town: Town, steps: readonly string[]): Promise<Person> {
  const first = newPerson()
  const people: Record<string, Person> = { other: newPerson(), rival: newPerson(first) }
  for (const text of steps) {
    const [, name = '', rest = text] = /^(other|rival|toOther) (.+)$/s.exec(text) ?? []
    const [, deed = '', how = 'right', more = ''] = /^(\S+)(?: (\S+)(?: (.+))?)?$/s.exec(rest) ?? []
    if (name === 'toOther') await town.perform({ ...first, nextPhone: people['other']?.phone ?? '' }, deed, how, more)
    else if (deed === 'later') await town.later(Number(how))
    else if (deed in testers) await testers[deed]?.(town, first)
    else await town.perform(people[name] ?? first, deed, how, more)
  }
  return first
}

/** What happens to people without a request. */
const testers: Readonly<Record<string, (town: Town, who: Person) => Promise<unknown>>> = {
  disable: ({ query }, { phone }) => query('update users set disabled_at = now() where phone = $1', phone),
  enable: ({ query }, { phone }) => query('update users set disabled_at = null where phone = $1', phone),
  promote: ({ query }, who) => {
    who.operator = true
    return query("update users set role_before = role, role = 'admin' where phone = $1", who.phone)
  },
  age: ({ query }, { phone }) =>
    query(
      `update sessions set created_at = now() - interval '11 minutes'
        where user_id in (select id from users where phone = $1)`,
      phone,
    ),
}
