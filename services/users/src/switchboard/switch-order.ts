import type { SwitchOrder } from '@latchkey/contracts/admin/switches'
import { guardModes, guardRules, type SwitchDeed, type SwitchTarget } from '@latchkey/contracts/switch-record'
import { purposes } from '@latchkey/contracts/v1/shapes'
import { invalidField } from '@latchkey/kit/app-error'

const longestMs = 30 * 24 * 3_600_000
const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })

/** What can be switched one way at a time: a lane's gate and its weight are two, a rule of the guard has one mode. */
export const slotOf = ({ does, target, name }: Pick<SwitchOrder, 'does' | 'target' | 'name'>): string =>
  does === 'weight' ? `${target}:${name}:weight` : `${target}:${name}`

/** Throws `request.invalid`, naming the field, for what could never be obeyed. */
export function checkOrder({ does, target, name, weight, until, why }: SwitchOrder, now: Date): void {
  if (!takenBy(does).some((each) => each === target))
    throw invalidField('/target', `must be a ${takenBy(does).join(' or a ')}`)
  if ((weight === undefined) === (does === 'weight'))
    throw invalidField('/weight', does === 'weight' ? 'is missing' : 'goes with `weight` only')
  checkName(target, name)
  const leftMs = Date.parse(until) - now.getTime()
  // A leap second is a time by RFC 3339, and none of any clock of ours.
  if (Number.isNaN(leftMs)) throw invalidField('/until', 'is no time')
  if (leftMs <= 0) throw invalidField('/until', 'has passed')
  if (leftMs > longestMs) throw invalidField('/until', 'must be within 30 days; what is to stay is configuration')
  if (why.trim() === '') throw invalidField('/why', 'must not be empty')
}

/** What can be done that to. */
function takenBy(does: SwitchDeed): readonly SwitchTarget[] {
  if (does === 'stop') return ['country', 'purpose']
  return guardModes.some((mode) => mode === does) ? ['guard'] : ['lane']
}

function checkName(target: SwitchOrder['target'], name: string): void {
  if (target === 'lane' && !/^[a-z]+$/.test(name))
    throw invalidField('/name', 'must be a lane, as it stands in SMS_PROVIDERS')
  if (target === 'purpose' && !purposes.some((purpose) => purpose === name))
    throw invalidField('/name', `must be one of ${purposes.join(', ')}`)
  if (target === 'guard' && !guardRules.some((rule) => rule === name))
    throw invalidField('/name', `must be one of ${guardRules.join(', ')}`)
  if (target === 'country' && !isCountry(name))
    throw invalidField('/name', 'must be the two letters of a country, like IN')
}

/** `UK` is a spelling of `GB` that no number has: a stop of it would stop nothing. */
function isCountry(name: string): boolean {
  if (!/^[A-Z]{2}$/.test(name) || name === 'ZZ') return false
  return new Intl.Locale(`und-${name}`).region === name && names.of(name) !== undefined
}
