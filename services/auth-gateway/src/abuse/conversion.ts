import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'
import type { ChallengeKeys, Subject } from '../challenges/challenge-keys.js'

/** How many messages may go unanswered, a day. */
export interface Unanswered {
  /** In a range of numbers. */
  readonly perRange: number
  /** In a range that is cut, by networks that have left nothing unanswered there. */
  readonly perCutRange: number
  /** By an address, IPv6 by /64. */
  readonly perAddress: number
  /** By the addresses around it: /24, IPv6 /48. */
  readonly perSubnet: number
}

/** From which credit of a range a message was taken: everybody's, or that of a cut range. */
export type From = 'open' | 'reserve'

/** What a message to a range was taken from. */
export interface RangeSend {
  readonly range: Subject
  readonly from: From
  /** Who is not served again while the range is cut and this is unanswered; empty where it is not told. */
  readonly network: string
}

/** Who asks: an address, and the addresses around it. */
export interface Networks {
  readonly address: Subject
  readonly subnet: Subject
}
export type Network = keyof Networks

/**
 * Credit that sends take, and right answers give back: what is bounded is what goes unanswered, however much is sent. Throws `unavailable`.
 */
export interface Conversion {
  /** Undefined where the range is cut, for this network at least. */
  sendToRange(range: Subject, network: string): Promise<RangeSend | undefined>
  /** Gives messages back that were not sent, or were answered: whoever answers adds to the credit besides. */
  returnToRange(sent: RangeSend, messages: number, person?: Subject): Promise<void>
  /** Which of them has none left: neither gives any then. */
  sendFrom(networks: Networks): Promise<readonly Network[]>
  returnFrom(networks: Networks, messages: number): Promise<void>
}

/** What an answer adds beside what it gives back: with 2 a range lives on while one in three of its messages is answered. */
export const addedByAnswer = 2

interface ConversionNeeds {
  readonly redis: Redis
  readonly keys: ChallengeKeys
  readonly unanswered: Unanswered
  readonly clockOffsetMs: () => number
}

/** Credits in Redis: one script for a range, one for an address and its subnet, which share the slot of the subnet. */
export function createConversion({ redis, keys, unanswered, clockOffsetMs }: ConversionNeeds): Conversion {
  function script<Reply>(name: string) {
    const call = redisScript<Reply>(redis, new URL(`./lua/${name}.lua`, import.meta.url))
    return (...args: readonly (string | number)[]) => orUnavailable(() => call(...args))
  }
  const rangeSend = script<From | 'cut'>('range_send.3')
  const rangeReturn = script<string>('range_return.4')
  const networkCredit = script<number>('network_credit.2')
  const { perRange, perCutRange } = unanswered
  const keysOf = (range: Subject) => [keys.credit(range), keys.unanswered(range), keys.askers(range)] as const
  const { perAddress, perSubnet } = unanswered
  const countNetworks = ({ address: { hash }, subnet }: Networks, messages: number) =>
    networkCredit(
      keys.credit({ shard: subnet.shard, hash }),
      keys.credit(subnet),
      clockOffsetMs(),
      perAddress,
      perSubnet,
      messages,
    )

  return {
    async sendToRange(range, network) {
      const from = await rangeSend(...keysOf(range), clockOffsetMs(), perRange, perCutRange, network)
      return from === 'cut' ? undefined : { range, from, network }
    },
    async returnToRange({ range, from, network }, messages, person) {
      await rangeReturn(
        ...keysOf(range),
        keys.answerers(range),
        clockOffsetMs(),
        perRange,
        perCutRange,
        from,
        messages,
        network,
        person?.hash ?? '',
        addedByAnswer,
      )
    },
    async sendFrom(networks) {
      const spent = await countNetworks(networks, -1)
      return networkNames.filter((_name, at) => (spent & (at + 1)) > 0)
    },
    async returnFrom(networks, messages) {
      await countNetworks(networks, messages)
    },
  }
}

const networkNames = ['address', 'subnet'] as const satisfies readonly Network[]
