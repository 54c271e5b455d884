import type { Answer } from '../../journey/journey.js'
import type { Act } from './act.js'
import { endTokens, keepRefresh, newPassword, type Person } from './person.js'

/** A call that swaps a refresh token for the next; `keep` notes what an answer gives, and tells the next one. */
export function refreshing(
  face: string,
  op: string,
  field: string,
  keep: (who: Person, answer: Answer) => string,
): Act {
  const send = (token: string) => ({ body: { [field]: token } })
  const chain = (who: Person) => who.refresh.get(face) ?? []
  return {
    op,
    right: (who) => send(chain(who).at(-1) ?? 'lkr_x'),
    wrong: (who) => send(`${chain(who).at(-1)?.slice(0, -8) ?? 'lkr_'}AAAAAAAA`),
    // The immediate predecessor is honoured for ten seconds; an older one never is.
    spent: (who) => {
      const older = chain(who).at(-3)
      return older === undefined ? undefined : send(older)
    },
    learn: (who, answer) => keepRefresh(who, face, keep(who, answer)),
  }
}

/** A call that sets a password by the token that a right code gave. */
export function resetting(
  face: string,
  op: string,
  body: (token: string, password: string, who: Person) => Record<string, string>,
): Act {
  const used = new Set<string>()
  const newest = (who: Person) => who.resets.get(face)?.at(-1)
  return {
    op,
    right: (who) => {
      const token = newest(who)
      const never = token !== undefined && used.has(token) ? { never: 'the token was used' } : {}
      return { body: body(token ?? 'lkp_x', newPassword(who), who), ...never }
    },
    wrong: (who) => ({ body: body(`${newest(who)?.slice(0, -8) ?? 'lkp_'}AAAAAAAA`, newPassword(who), who) }),
    spent: (who) => {
      const old = who.resets.get(face)?.find((token) => used.has(token))
      return old === undefined ? undefined : { body: body(old, newPassword(who), who) }
    },
    learn(who, _answer, sent) {
      const { resetToken = '', newPassword: password = '' } = sent.body as Record<string, string>
      used.add(resetToken)
      who.password = password
      // Of other faces he may have tokens of a registration, which is not the account.
      endTokens(who, (one) => one.face === face)
    },
  }
}
