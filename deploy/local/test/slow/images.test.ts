import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually, freePort } from '@latchkey/kit/testing'
import t from 'tap'
import { parse } from 'yaml'
import { portVariables, serviceNames } from '../../src/env.js'
import { root } from '../../src/places.js'
import { startTethered } from '../../src/tether.js'
import { buildStages } from './image-build.js'
import { ownPostgresServer, ownRedisServer } from './servers.js'

const run = promisify(execFile)

t.test('the images build from what they copy, and run as Compose configures them', async (t) => {
  const [stages, redis, postgres] = await Promise.all([
    buildStages(t, join(root, 'deploy/docker/Dockerfile'), root),
    ownRedisServer(t),
    ownPostgresServer(t),
  ])
  const keys = t.testdir({})
  const maker = stages.get('keys')
  const [, ...makes] = maker?.command ?? []
  const inside = join(maker?.folder ?? '', maker?.workdir ?? '')
  await run(process.execPath, [...makes.slice(0, -1), keys], { cwd: inside })
  const made = readFileSync(join(keys, 'all/keys.env'), 'utf8')
  await run(process.execPath, [...makes.slice(0, -1), keys], { cwd: inside })
  t.equal(readFileSync(join(keys, 'all/keys.env'), 'utf8'), made, 'keys are made once')

  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
  const { services } = parse(text, { merge: true }) as { services: Record<string, { environment: object }> }
  const ports = new Map<string, string>()
  for (const name of serviceNames)
    for (const variable of Object.keys(portVariables[name])) ports.set(variable, String(await freePort()))
  const usersUrl = `http://127.0.0.1:${ports.get('USERS_PORT')}`
  for (const name of serviceNames) {
    const image = stages.get(name)
    const told = Object.entries(services[name]?.environment ?? {}).map(([variable, value]) => [
      variable,
      String(value)
        .replace(/\$\{(\w+)(?::[-?]([^}]*))?\}/g, (_all, wanted: string, otherwise: string) =>
          wanted === 'SMS_COUNTRIES' ? 'IN' : (otherwise ?? ''),
        )
        .replace(/^redis:\/\/\w+:6379$/, redis.url)
        .replace('http://users:3001', usersUrl)
        .replace('/run/keys', join(keys, name)),
    ])
    const [command = '', ...args] = image?.command ?? []
    t.equal(command, 'node')
    const service = await startTethered({
      command: process.execPath,
      args,
      cwd: join(image?.folder ?? '', image?.workdir ?? ''),
      env: {
        ...image?.env,
        ...Object.fromEntries(told),
        ...Object.fromEntries(ports),
        // Its host is named postgres there.
        ...(name === 'users' && { DATABASE_URL_FILE: '', DATABASE_URL: postgres.url }),
      },
      output: 'pipe',
      ifOrphaned: 'SIGKILL',
    })
    const said: string[] = []
    for (const stream of [service.stdout, service.stderr]) stream?.on('data', (chunk) => said.push(String(chunk)))
    t.teardown(async () => {
      if (!t.passing()) t.comment(said.join(''))
      await service.stop('SIGTERM', 5_000)
    })
  }
  for (const name of serviceNames) {
    const [, opsVariable = ''] = Object.keys(portVariables[name])
    const ready = `http://127.0.0.1:${ports.get(opsVariable)}/ready`
    await eventually(name, async () => (await fetch(ready).catch(() => undefined))?.status === 200, 30_000)
    const [, ...health] = stages.get(name)?.health ?? []
    const { [opsVariable as never]: standard } = portVariables[name]
    const asked = health.map((word) => word.replace(String(standard), ports.get(opsVariable) ?? ''))
    await run(process.execPath, asked)
    await t.rejects(
      run(
        process.execPath,
        health.map((word) => word.replace(String(standard), '1')),
      ),
      'and tells',
    )
  }
  const gateway = `http://127.0.0.1:${ports.get('GATEWAY_PORT')}`
  t.match(await (await fetch(`${gateway}/`)).text(), '<html', 'the hosted pages are in the image')
  const body = JSON.stringify({ phone: '+919876543210' })
  const headers = { 'content-type': 'application/json' }
  t.equal((await fetch(`${gateway}/v1/signup`, { method: 'POST', headers, body })).status, 503, 'no carrier is named')
  const login = JSON.stringify({ identifier: '+919876543210', password: 'nobody has this one' })
  t.equal((await fetch(`${gateway}/v1/login`, { method: 'POST', headers, body: login })).status, 401)
})
