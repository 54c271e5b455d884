import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { generateKeys } from '../../src/keys.js'
import { root } from '../../src/places.js'
import type { ServiceName } from '../../src/env.js'
import { type Call, caller, codeFromInbox, journey, newPerson, randomPhone } from '../journey/journey.js'

/** Two gateways, users and a worker that read every key from a file, and the command that changes those files. */
async function installation(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const files: Record<string, string> = {}
  for (const [name, value] of Object.entries(generateKeys())) {
    files[`${name}_FILE`] = join(folder, name)
    writeFileSync(join(folder, name), `${value}\n`, { mode: 0o600 })
  }
  const { stack, call } = await journey(t, files)
  let second = await stack.another('auth-gateway')
  const gateway = async () => caller(t, `http://127.0.0.1:${second.port}`)
  let calls: [Call, Call] = [call, await gateway()]
  const restart = async (name: ServiceName) => {
    await stack.processes[name].stop('SIGTERM', 5_000)
    await stack.restart(name)
  }
  return {
    calls: () => calls,
    keys(...words: string[]) {
      const command = join(root, 'deploy/local/dist/src/keys-command.js')
      const { status, stderr } = spawnSync(process.execPath, [command, ...words, '--in', folder], { encoding: 'utf8' })
      if (status !== 0) throw new Error(`keys ${words.join(' ')}: ${stderr}`)
    },
    /** One by one; `between` looks whether everybody is well each time. */
    async restartAll(between: () => Promise<void>) {
      for (const name of ['users', 'auth-gateway', 'sms-worker'] as const) {
        await restart(name)
        await between()
      }
      await second.stop('SIGTERM', 5_000)
      second = await stack.another('auth-gateway')
      calls = [call, await gateway()]
      await between()
    },
  }
}

t.test('keys are changed, service by service, and nobody is logged out and no code is lost', async (t) => {
  const { calls, keys, restartAll } = await installation(t)
  const kids = async () =>
    (await calls()[0]('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid)
  const people = await Promise.all(Array.from({ length: 6 }, () => newPerson(calls()[0])))
  let turns = 0

  /** Every session opens its account at both gateways, and is renewed at one of them. */
  async function everybodyIsIn({ onTheirDevices = true } = {}): Promise<void> {
    turns += 1
    for (const [at, person] of people.entries()) {
      const answers = await Promise.all(
        calls().map((call) => call('GET', '/v1/me', undefined, person.session.accessToken)),
      )
      const renewed = await calls()[(at + turns) % 2]?.('POST', '/v1/token/refresh', {
        refreshToken: person.session.refreshToken,
      })
      if (renewed?.status !== 200 || answers.some(({ status }) => status !== 200))
        t.fail(`somebody was logged out: ${answers.map(({ status }) => status).join()}, ${renewed?.status}`)
      if (onTheirDevices && renewed?.body.session.deviceToken !== person.session.deviceToken)
        t.fail('a device token became another')
      person.session = renewed?.body.session
    }
  }
  /** Codes that one gateway opened before a turn of keys are answered at either of them after it. */
  async function codesOutlive(turn: () => Promise<void>): Promise<void> {
    const open = []
    for (const call of [...calls(), ...calls()]) {
      const phone = randomPhone()
      const { body } = await call('POST', '/v1/signup', { phone })
      open.push({ id: body.challenge.id, code: await codeFromInbox(call, phone) })
    }
    await turn()
    for (const [at, { id, code }] of open.entries())
      t.equal((await calls()[at < 2 ? 0 : 1]?.('POST', `/v1/challenges/${id}/answer`, { code }))?.status, 201)
  }

  const [first] = await kids()
  const before = await newPerson(calls()[0])
  await codesOutlive(async () => {
    keys('rotate')
    await restartAll(everybodyIsIn)
  })
  const [signs, waits] = await kids()
  t.equal(signs, first, 'the new key is published before it signs')
  t.ok(waits)
  await codesOutlive(async () => {
    keys('rotate', '--now')
    await restartAll(everybodyIsIn)
  })
  t.same(await kids(), [waits, first], 'the old one still verifies')
  const late = await newPerson(calls()[1])

  keys('prune', '--now')
  await restartAll(async () => undefined)
  t.same(await kids(), [waits])
  // The old device tokens went with their key; a refresh gives the ones of today.
  await everybodyIsIn({ onTheirDevices: false })
  t.equal((await calls()[0]('GET', '/v1/me', undefined, late.session.accessToken)).status, 200)
  const { accessToken, refreshToken } = before.session
  t.equal((await calls()[0]('GET', '/v1/me', undefined, accessToken)).status, 401, 'what a pruned key signed is over')
  t.equal((await calls()[0]('POST', '/v1/token/refresh', { refreshToken })).status, 401)
  t.comment(`${people.length} sessions renewed ${turns} times over ten restarts`)
})

t.test(
  'after gateway and users were restarted a spent token still ends its session, and a good one still goes on',
  async (t) => {
    const { stack, call } = await journey(t)
    const refresh = async (refreshToken: string) => {
      const { status, body } = await call('POST', '/v1/token/refresh', { refreshToken })
      return { status, refreshToken: body.session?.refreshToken as string }
    }
    const [good, copied] = await Promise.all([newPerson(call), newPerson(call)])
    const second = await refresh(copied.session.refreshToken)
    const third = await refresh(second.refreshToken)
    const next = await refresh(good.session.refreshToken)
    for (const name of ['users', 'auth-gateway'] as const) {
      await stack.processes[name].stop('SIGKILL', 5_000)
      await stack.restart(name)
    }
    t.equal((await refresh(copied.session.refreshToken)).status, 401, 'two generations back')
    t.equal((await refresh(third.refreshToken)).status, 401, 'its family is ended')
    t.equal((await refresh(next.refreshToken)).status, 200)
    t.equal((await call('GET', '/v1/me', undefined, good.session.accessToken)).status, 200)
  },
)
