import { randomUUID } from 'node:crypto'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'
import { Counter, type Registry } from 'prom-client'
import type { ChallengeKeys, Subject } from '../challenges/challenge-keys.js'
import type { Counted } from '../challenges/challenge.js'

/** How many guesses are made before anybody has to wait. */
export interface GuessLimits {
  /** Wrong answers and wrong passwords from one network, whatever they are at. */
  readonly networkPerHour: number
  readonly networkPerDay: number
  /** How often one network is told an hour that something is taken, by APIs that tell it. */
  readonly conflictsPerHour: number
  /** Wrong passwords for one account a day; past them, each waits. */
  readonly freePasswords: number
  readonly passwordWaitsSeconds: readonly number[]
}

const budgets = ['network', 'account', 'known_device', 'phone', 'challenge', 'conflicts'] as const
/** Whose budget a guess met: `phone` and `challenge` are counted with the challenges. */
export type Budget = (typeof budgets)[number]

/** What may be guessed, counted before it is looked at. Throws `unavailable` where nothing can be counted. */
export interface GuessBudgets {
  /** An answer to a challenge, for the network it comes from, in the time of challenges. Nothing to count where that is exempt. */
  answer(network: string | undefined): Promise<Counted>
  /** A password: for the network, then for the account. One of its own devices has a budget apart from everybody else's. */
  password(account: string, by: { readonly known: boolean; readonly network: string | undefined }): Promise<Counted>
  /** Whether an answer of a network would be looked at; counts nothing. */
  roomToAnswer(network: string | undefined): Promise<Room>
  /** A registration that may meet what is taken, for the network that would be told. */
  conflict(network: string | undefined): Promise<Counted>
  /** Notes that a guess was refused without being looked at. */
  refused(budget: Budget): void
}

type Room = { readonly verdict: 'room' } | Extract<Counted, { readonly verdict: 'limited' }>

interface GuessBudgetsNeeds {
  readonly redis: Redis
  readonly keys: ChallengeKeys
  readonly limits: GuessLimits
  readonly clockOffsetMs: () => number
  readonly metrics: Registry
}

const hoursOfDay = 24
const uncounted: Counted = { verdict: 'counted', giveBack: async () => undefined }

/** Guesses in Redis, one script a budget. What an account and a network have spent stands in their own slots. */
export function createGuessBudgets({ redis, keys, limits, clockOffsetMs, metrics }: GuessBudgetsNeeds): GuessBudgets {
  const script = (name: string) => redisScript<number>(redis, new URL(`./lua/${name}.lua`, import.meta.url))
  const guessNetwork = script('guess_network.1')
  const guessAccount = script('guess_account.1')
  const guessRoom = script('guess_room.1')
  const waits = limits.passwordWaitsSeconds.map((seconds) => seconds * 1_000).join(',')
  const refusals = new Counter({
    name: 'latchkey_guesses_refused_total',
    help: 'Answers and passwords that were refused unread because a budget was spent, by budget',
    labelNames: ['budget'],
    registers: [metrics],
  })
  for (const budget of budgets) refusals.inc({ budget }, 0)

  async function count(
    budget: Budget,
    subject: Subject,
    take: (key: string, id: string) => Promise<number>,
  ): Promise<Counted> {
    const [key, id] = [keys.guesses(subject), randomUUID()]
    const at = await orUnavailable(() => take(key, id))
    if (at === 0) return { verdict: 'counted', giveBack: async () => void (await redis.zrem(key, id)) }
    refusals.inc({ budget })
    return { verdict: 'limited', retryAt: new Date(at) }
  }

  const networkSubject = (network: string) => keys.subject(`network:${network}`)
  const ofNetwork = (network: string): Promise<Counted> =>
    count('network', networkSubject(network), (key, id) =>
      guessNetwork(key, clockOffsetMs(), id, limits.networkPerHour, limits.networkPerDay),
    )

  function ofAccount(account: string, known: boolean): Promise<Counted> {
    const subject = keys.subject(`account:${account}`)
    return count(known ? 'known_device' : 'account', known ? keys.known(subject) : subject, (key, id) =>
      guessAccount(key, clockOffsetMs(), id, limits.freePasswords, waits),
    )
  }

  return {
    answer: async (network) => (network === undefined ? uncounted : ofNetwork(network)),
    async roomToAnswer(network) {
      if (network === undefined) return { verdict: 'room' }
      const key = keys.guesses(networkSubject(network))
      const at = await orUnavailable(() => guessRoom(key, clockOffsetMs(), limits.networkPerHour, limits.networkPerDay))
      if (at === 0) return { verdict: 'room' }
      refusals.inc({ budget: 'network' })
      return { verdict: 'limited', retryAt: new Date(at) }
    },
    async conflict(network) {
      if (network === undefined) return uncounted
      return count('conflicts', keys.subject(`conflicts:${network}`), (key, id) =>
        guessNetwork(key, clockOffsetMs(), id, limits.conflictsPerHour, limits.conflictsPerHour * hoursOfDay),
      )
    },
    async password(account, { known, network }) {
      if (known || network === undefined) return ofAccount(account, known)
      const forNetwork = await ofNetwork(network)
      if (forNetwork.verdict === 'limited') return forNetwork
      const forAccount = await ofAccount(account, known).catch((error: unknown) => {
        void forNetwork.giveBack().catch(() => undefined)
        throw error
      })
      if (forAccount.verdict === 'counted')
        return { ...forAccount, giveBack: async () => void (await Promise.all([forNetwork, forAccount].map(giveBack))) }
      // What was refused unread is no guess: one who hammers at one account shuts nobody out of his network.
      void forNetwork.giveBack().catch(() => undefined)
      return forAccount
    },
    refused: (budget) => refusals.inc({ budget }),
  }
}

const giveBack = (counted: Counted & { verdict: 'counted' }): Promise<void> => counted.giveBack()
