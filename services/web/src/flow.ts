import type { Challenge } from '@latchkey/contracts/v1/shapes'
import type { PagePath } from '@latchkey/contracts/v1/pages'
import type { MessageId } from './locale.js'

/** Where somebody is between asking for a code and having used it. Kept for this tab: it survives a reload, and two tabs are two people's business. */
export interface Flow {
  readonly challenge: Challenge
  /** As it was typed, to be shown. */
  readonly to: string | null
  /** Where it began, to begin again. */
  readonly from: PagePath
  /** Where a right answer leads. */
  readonly next: PagePath
  /** From a right answer to the code of a reset. */
  readonly resetToken?: string
}

const place = 'latchkey.flow'

export const readFlow = (): Flow | null => JSON.parse(sessionStorage.getItem(place) ?? 'null') as Flow | null

export const keepFlow = (flow: Flow): void => sessionStorage.setItem(place, JSON.stringify(flow))

export const endFlow = (): void => sessionStorage.removeItem(place)

/** What was typed on a page, for who comes back to it by the back button. Never a password. */
export const draft = {
  read: <T>(name: string, otherwise: T): T =>
    (JSON.parse(sessionStorage.getItem(`latchkey.draft.${name}`) ?? 'null') as T | null) ?? otherwise,
  keep: (name: string, value: unknown): void => sessionStorage.setItem(`latchkey.draft.${name}`, JSON.stringify(value)),
}

/** A word for the next page, said once. */
export const notice = {
  leave: (id: MessageId | null): void =>
    id === null ? sessionStorage.removeItem('latchkey.notice') : sessionStorage.setItem('latchkey.notice', id),
  read: (): MessageId | null => sessionStorage.getItem('latchkey.notice') as MessageId | null,
}

/** Where somebody wanted to be who had to log in first. */
export const wayBack = {
  keep: (path: string): void => sessionStorage.setItem('latchkey.back', path),
  read: (): PagePath => (sessionStorage.getItem('latchkey.back') as PagePath | null) ?? '/account',
  forget: (): void => sessionStorage.removeItem('latchkey.back'),
}
