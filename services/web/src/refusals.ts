import { isRefusal, type RefusalCode } from '@latchkey/client/refusal'
import type { MessageId, Say } from './locale.js'

/** A refusal as a person reads it: beside the fields it is about, else for the whole form. */
export interface Told<F extends string> {
  readonly fields: Partial<Record<F, string>>
  readonly form?: string
}

const words = {
  'credentials.wrong': 'error.credentials',
  'token.invalid': 'error.session',
  'account.disabled': 'error.disabled',
  'account.unverified': 'error.unverified',
  'account.exists': 'error.exists',
  'challenge.gone': 'code.gone',
  'reset.gone': 'reset.gone',
  'undo.gone': 'undo.gone',
  forbidden: 'error.fresh',
  unavailable: 'error.unavailable',
  internal: 'error.unavailable',
  'network.failed': 'error.offline',
  'network.timeout': 'error.offline',
} as const satisfies Partial<Record<RefusalCode, MessageId>>

const ofField: Readonly<Record<string, MessageId>> = {
  phone: 'error.phone',
  email: 'error.email',
  name: 'error.name',
  username: 'error.username',
  identifier: 'error.identifier',
  token: 'undo.gone',
}

/** Puts what the API refused into the person's language; `names` are the fields of the form, by what the API calls them. */
export function tell<F extends string>(error: unknown, say: Say, names: Readonly<Record<string, F>> = {}): Told<F> {
  if (!isRefusal(error)) throw error
  const { code } = error
  if (code === 'request.invalid') {
    const fields: Partial<Record<F, string>> = {}
    for (const { path } of error.errors ?? []) {
      const about = path.slice(1)
      const field = names[about]
      if (field !== undefined) fields[field] = say(ofField[about] ?? 'error.other')
    }
    return Object.keys(fields).length > 0 ? { fields } : { fields, form: say('error.other') }
  }
  if (code === 'password.weak') {
    const field = names['password'] ?? names['newPassword']
    const text = say('error.weak')
    return field === undefined
      ? { fields: {}, form: text }
      : { fields: { [field]: text } as Partial<Record<F, string>> }
  }
  if (code === 'rate.limited')
    return { fields: {}, form: say('error.limited', { wait: waitOf(error.retryInMs ?? 1_000, say) }) }
  return { fields: {}, form: say(code in words ? words[code as keyof typeof words] : 'error.other') }
}

function waitOf(ms: number, say: Say): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000))
  return seconds < 100
    ? say('wait.seconds', { count: seconds })
    : seconds < 6_000
      ? say('wait.minutes', { count: Math.ceil(seconds / 60) })
      : say('wait.hours', { count: Math.ceil(seconds / 3_600) })
}
