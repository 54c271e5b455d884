import { randomBytes } from 'node:crypto'
import { randomPerson } from '../../dialects/world.js'

// What a tester knows of somebody: what he has, and what is certainly over.

/** A code that is waited for. */
export interface Trace {
  /** Where /v1 names it. */
  readonly id?: string
  /** The phone it goes to. */
  readonly to: string
  /** When it is over at the latest, by the clock of challenges. */
  readonly endsAt: number
  /** Wrong answers since it was sent. */
  wrong: number
  readonly most: number
  /** As the inbox shows it, once somebody looked. */
  code?: string
  used?: string
}

interface Token {
  readonly face: string
  readonly text: string
  /** Of which session, where that is told. */
  readonly session?: string
  over: boolean
}

export interface Person {
  readonly phone: string
  readonly email: string
  readonly username: string
  readonly address: string
  readonly agent: string
  /** Where he is to move, or has moved to. */
  readonly nextPhone: string
  password: string
  secondFactor: boolean
  undo?: string
  undone: boolean
  /** Whether he may do what operators do. */
  operator: boolean
  /** What is waited for, by face and what it is for. */
  readonly traces: Map<string, Trace>
  readonly tokens: Token[]
  /** Refresh tokens of the newest session of a face, oldest first. */
  readonly refresh: Map<string, readonly string[]>
  /** Reset tokens of a face, oldest first. */
  readonly resets: Map<string, readonly string[]>
}

let born = 0

/** Somebody nobody else is; a rival claims the phone and the e-mail of another. */
export function newPerson(rivalOf?: Person): Person {
  const { phone, email, username, password } = randomPerson()
  born++
  return {
    phone: rivalOf?.phone ?? phone,
    email: rivalOf?.email ?? email,
    username,
    password,
    address: `2001:db8:${(born >> 16).toString(16)}:${(born & 0xffff).toString(16)}::1`,
    agent: `agent ${born}`,
    nextPhone: randomPerson().phone,
    secondFactor: false,
    undone: false,
    operator: false,
    traces: new Map(),
    tokens: [],
    refresh: new Map(),
    resets: new Map(),
  }
}

/** The newest token of a face that may be good. */
export const liveToken = ({ tokens }: Person, face: string): string | undefined =>
  tokens.findLast((token) => token.face === face && !token.over)?.text

/** One of a face that certainly opens nothing any more. */
export const deadToken = ({ tokens }: Person, face: string): string | undefined =>
  tokens.findLast((token) => token.face === face && token.over)?.text

export function keepToken({ tokens }: Person, face: string, text: unknown, session?: string): void {
  if (typeof text === 'string') tokens.push({ face, text, over: false, ...(session !== undefined && { session }) })
}

export function endTokens({ tokens }: Person, which: (token: Token) => boolean): void {
  for (const token of tokens) if (which(token)) token.over = true
}

/** The refresh token that follows the others of its session. */
export function keepRefresh({ refresh }: Person, face: string, text: string): void {
  const chain = refresh.get(face) ?? []
  if (chain.at(-1) !== text) refresh.set(face, [...chain, text])
}

/** A password nobody had before, by every face's rules. */
export const newPassword = ({ username }: Pick<Person, 'username'>): string =>
  `of-${username}-${randomBytes(6).toString('hex')}`
