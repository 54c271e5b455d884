import type { CanonicalPhone, ReadPhone } from '../phones/canonical-phone.js'

/** The phone of an account or registration; null where it was fine once and no message goes there any more. Its owner typed nothing that could be wrong. */
export function reachable(readPhone: ReadPhone, phone: string): CanonicalPhone | null {
  try {
    return readPhone(phone)
  } catch {
    return null
  }
}
