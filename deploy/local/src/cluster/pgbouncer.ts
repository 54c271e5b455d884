import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pgbouncer } from '../debian-package.js'
import { pickPort } from '../ports.js'
import { withPath } from '../store.js'
import { keepMember, type Member, type Place } from './member.js'
import { startServer } from './server.js'

/** What users asks of every session, and a pooler has to see to: sessions are its own. */
const limits = [
  'set lock_timeout = 600',
  'set statement_timeout = 800',
  'set idle_in_transaction_session_timeout = 2000',
]

/** PgBouncer in transaction mode before a database. */
export async function startPgBouncer(
  { dir, logDir, cache }: Place,
  databaseUrl: string,
): Promise<{ url: string; member: Member }> {
  const { hostname, port: behind, pathname, username } = new URL(databaseUrl)
  const port = await pickPort()
  const name = pathname.slice(1)
  const own = join(dir, 'pgbouncer')
  mkdirSync(own, { recursive: true })
  const file = join(own, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `${name} = host=${hostname} port=${behind} dbname=${name} user=${username} connect_query='${limits.join('; ')}'`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'max_client_conn = 200',
    'default_pool_size = 15',
    // A connection that lost its server is tried again at once.
    'server_login_retry = 1',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const start = async () => {
    const logFile = join(logDir, 'pgbouncer.log')
    const server = await startServer({ wanted: pgbouncer, args: [file], port, cache, logFile, asNobody: asRoot })
    return { ...server, stop: () => server.stop('SIGTERM', 3_000) }
  }
  const url = new URL(withPath(`postgres://${username}@127.0.0.1:${port}`, name)).href
  return { url, member: await keepMember('pgbouncer', port, start) }
}

const asRoot = process.getuid?.() === 0
