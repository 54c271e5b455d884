import { liveThrough } from './lives.js'
import type { Person } from './person.js'
import type { Town } from './town.js'

// What each operation needs before it, so that only an outage keeps it from succeeding.

const signedIn = 'v1.signUp, v1.answer'
const atStaged = 'staged.register, staged.verify'
const atRently = 'rently.initiate, rently.verify'

const needs: Readonly<Record<string, string>> = {
  'v1.signUp': '',
  'v1.logInCode': '',
  'v1.forgot': '',
  'v1.read': 'v1.signUp',
  'v1.answer': 'v1.signUp',
  'v1.resend': 'v1.signUp',
  'v1.reset': `${signedIn}, v1.forgot, v1.answer`,
  'v1.undo': `${signedIn}, v1.changePhone, v1.answer`,
  ...Object.fromEntries(
    'logIn refresh me rename remove changePassword changePhone changeEmail secondFactor sessions endSession logOut'
      .split(' ')
      .map((name) => [`v1.${name}`, signedIn]),
  ),
  'staged.register': '',
  'staged.verify': 'staged.register',
  'staged.resend': 'staged.register',
  'staged.setPassword': atStaged,
  'staged.logIn': `${atStaged}, staged.setPassword`,
  'careops.register': '',
  'careops.verify': 'careops.register',
  'careops.resend': 'careops.register',
  'careops.logIn': 'careops.register',
  'careops.me': 'careops.register, careops.logIn',
  'jodimilan.signUp': '',
  'jodimilan.verify': 'jodimilan.signUp',
  'jodimilan.resend': 'jodimilan.signUp',
  'jodimilan.logIn': 'jodimilan.signUp, jodimilan.verify',
  'jodimilan.logInByCode': 'jodimilan.signUp, jodimilan.verify, jodimilan.resend',
  'rently.initiate': '',
  'rently.verify': 'rently.initiate',
  'rently.logIn': atRently,
  'rently.forgot': atRently,
  'rently.forgotVerify': `${atRently}, rently.forgot`,
  'rently.reset': `${atRently}, rently.forgot, rently.forgotVerify`,
  'users.register': '',
  'users.send': 'users.register',
  'users.verify': 'users.register, users.send',
  'users.me': 'users.register',
  'users.refresh': 'users.register',
}

/** Every operation, asked for while something it needs is away: it says 503, or something declared, and never that it failed. */
export async function outage(town: Town, begin: () => Promise<void>, end: () => Promise<void>): Promise<void> {
  const waiting: [act: string, who: Person][] = []
  const looks = Object.keys(town.acts).filter((name) => name.startsWith('GET:/v1/admin/'))
  const asked = [...Object.entries(needs), ...looks.map((name) => [name, `${signedIn}, promote`] as const)]
  for (const [act, steps] of asked) {
    const who = await liveThrough(town, steps === '' ? [] : steps.split(', '))
    const undo = act === 'v1.undo' ? await town.tools.readUndo(who.phone) : undefined
    if (undo !== undefined) who.undo = undo
    waiting.push([act, who])
  }
  // Past every cooldown, and within the life of every code.
  await town.later(61)
  town.outage = true
  await begin()
  try {
    await Promise.all(waiting.map(([act, who]) => town.perform(who, act, 'right', '')))
  } finally {
    await end()
    town.outage = false
  }
}
