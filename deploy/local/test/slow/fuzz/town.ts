import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Pool } from 'undici'
import { send, type World } from '../../dialects/world.js'
import { nameOf, type Operation, readOperations, undeclared } from '../../edge/operations.js'
import type { Wire } from '../../edge/malformed.js'
import type { Answer } from '../../journey/journey.js'
import type { Act, Tools } from './act.js'
import { actsOf } from './acts.js'
import type { Person } from './person.js'
import { madeOf, neverOf, sentBy } from './request.js'

export const requestsPerMinute = 4

export interface Tally {
  requests: number
  /** `METHOD path status`, as documented. */
  readonly reached: Set<string>
  slowest: { readonly ms: number; readonly what: string }
}

/** A gateway with people around it: every answer is held against its document, and against what is certain. */
export interface Town {
  readonly operations: ReadonlyMap<string, Operation>
  readonly acts: Readonly<Record<string, Act>>
  readonly tally: Tally
  readonly tools: Tools
  /** Whether a store or a service is away for the moment, by our own doing. */
  outage: boolean
  /** One act of somebody. Throws where an answer is none that may be. */
  perform(who: Person, name: string, how: string, more: string): Promise<Answer | undefined>
  later(seconds: number): Promise<void>
  query: World['query']
}

export async function foundTown(t: Test, world: World): Promise<Town> {
  const pool = new Pool(world.stack.gatewayUrl, { connections: 64 })
  t.teardown(() => pool.destroy())
  const reader = world.client()
  const operations = new Map(
    (await readOperations((path) => reader.call('GET', path))).map((one) => [nameOf(one), one] as const),
  )
  const acts = actsOf(operations)
  const tally: Tally = { requests: 0, reached: new Set(), slowest: { ms: 0, what: '' } }
  let [lower, upper] = [0, 0]
  const seen = new Map<string, number>()
  const tools: Tools = {
    now: () => Date.now() + lower,
    latest: () => Date.now() + upper,
    async readCode(phone) {
      // Whoever got nothing new within this time was not sent anything.
      for (const end = performance.now() + 400; ; await sleep(8)) {
        if (town.outage) return undefined
        const messages = (await world.arrived(phone)).filter(({ code }) => code !== null)
        const isNew = messages.length > (seen.get(phone) ?? 0)
        if (!isNew && performance.now() < end) continue
        seen.set(phone, messages.length)
        return messages[0]?.code ?? undefined
      }
    },
    async readUndo(phone) {
      const messages = await world.arrived(phone)
      return messages.flatMap(({ body }) => /[a-z]{28}$/.exec(body)?.[0] ?? []).at(0)
    },
  }

  async function exchange(operation: Operation, wire: Wire, from: string, agent: string): Promise<Answer> {
    const { method, path, headers, body } = wire
    const began = performance.now()
    const answer = await send(pool, method as 'GET', path, undefined, {
      address: from,
      agent,
      headers,
      ...(body !== undefined && { raw: body }),
    })
    const ms = performance.now() - began
    tally.requests++
    if (ms > tally.slowest.ms && !town.outage) tally.slowest = { ms, what: `${nameOf(operation)} ${answer.status}` }
    tally.reached.add(`${nameOf(operation)} ${answer.status}`)
    const told = `${nameOf(operation)} answers ${answer.status} ${JSON.stringify(answer.body)?.slice(0, 300)} to ${JSON.stringify(wire).slice(0, 1_000)}`
    if (answer.status >= 500 && !(town.outage && answer.status === 503)) throw new Error(told)
    const flaw = undeclared(operation, answer)
    if (flaw !== undefined) throw new Error(`${told}: ${flaw}`)
    return answer
  }

  /** Until when an address that nobody exempts has spent its requests. */
  let floodedUntil = 0
  let flooding: Promise<void> | undefined
  const flooded = { address: '203.0.113.7', agent: 'a flood' }
  async function flood(): Promise<void> {
    if (performance.now() < floodedUntil) return
    flooding ??= (async () => {
      for (;;) {
        const answer = await send(pool, 'GET', '/v1/me', undefined, flooded)
        if (answer.status !== 429) continue
        floodedUntil = performance.now() + Number(answer.headers['retry-after']) * 1_000 - 2_000
        if (performance.now() < floodedUntil) break
        await sleep(500)
      }
      flooding = undefined
    })()
    await flooding
  }

  async function perform(who: Person, name: string, how: string, more: string): Promise<Answer | undefined> {
    const act = acts[name]
    const operation = operations.get(act?.op ?? '')
    if (act === undefined || operation === undefined) throw new Error(`nobody can ${name}`)
    const sent = await sentBy(act, who, how, tools)
    if (sent === undefined) return undefined
    const { wire, statuses } = madeOf(operation, sent, how, more)
    if (how === 'flooded') await flood()
    const from = how === 'flooded' ? flooded : who
    const answer = await exchange(operation, wire, from.address, from.agent)
    const { status } = answer
    const about = () =>
      `${name} ${how} ${more}: ${JSON.stringify(wire).slice(0, 600)} is answered ${status} ${JSON.stringify(answer.body)}`
    if (statuses !== undefined && !statuses(status)) throw new Error(about())
    if (status < 300) {
      const never = sent.never ?? neverOf(operation, how)
      if (never !== undefined) throw new Error(`${never}, but ${about()}`)
      act.learn?.(who, answer, sent, tools)
      if (how === 'right' && act.sends !== undefined) await lookFor(who, act.sends)
    } else if (how === 'wrong' && status !== 429) act.missed?.(who)
    return answer
  }

  async function lookFor(who: Person, slot: string): Promise<void> {
    const trace = who.traces.get(slot)
    const code = trace === undefined || trace.code !== undefined ? undefined : await tools.readCode(trace.to)
    if (trace !== undefined && code !== undefined) trace.code = code
  }

  const town: Town = {
    operations,
    acts,
    tally,
    tools,
    outage: false,
    perform,
    query: world.query,
    async later(seconds) {
      upper += seconds * 1_000
      await world.later(seconds)
      lower += seconds * 1_000
    },
  }
  return town
}
