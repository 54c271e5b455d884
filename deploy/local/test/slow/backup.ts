import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Server } from './servers.js'

/** A backup of one store; `putBack` replaces what the store has, after its end. */
export interface Backup {
  putBack(): void
}

/** The append-only file of a Redis that goes on working: no rewrite may begin while its files are copied. */
export async function backUpRedis({ url, dir }: Server): Promise<Backup> {
  const redis = new Redis(url)
  const copy = `${dir}.backup`
  try {
    await redis.config('SET', 'auto-aof-rewrite-percentage', '0')
    await eventually('the end of any rewrite', async () =>
      (await redis.info('persistence')).includes('aof_rewrite_in_progress:0'),
    )
    execFileSync('cp', ['-a', join(dir, 'appendonlydir'), copy])
    await redis.config('SET', 'auto-aof-rewrite-percentage', '100')
  } finally {
    redis.disconnect()
  }
  return {
    putBack() {
      rmSync(join(dir, 'appendonlydir'), { recursive: true })
      cpSync(copy, join(dir, 'appendonlydir'), { recursive: true })
    },
  }
}

/** What pg_basebackup does, of a server that goes on working: its files as they are, and the log that makes them whole. */
export async function backUpPostgres({ url, dir }: Server): Promise<Backup> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const copy = `${dir}.backup`
  try {
    // The same session must begin and end it.
    await client.query("select pg_backup_start('rehearsal', fast => true)")
    execFileSync('cp', ['-a', dir, copy])
    const { rows } = await client.query<{ labelfile: string }>(
      'select labelfile from pg_backup_stop(wait_for_archive => false)',
    )
    execFileSync('cp', ['-a', `${join(dir, 'pg_wal')}/.`, join(copy, 'pg_wal')])
    for (const stale of ['postmaster.pid', 'postmaster.opts'])
      if (existsSync(join(copy, stale))) rmSync(join(copy, stale))
    writeFileSync(join(copy, 'backup_label'), rows[0]?.labelfile ?? '')
    execFileSync('chown', ['--reference', join(copy, 'PG_VERSION'), join(copy, 'backup_label')])
  } finally {
    await client.end()
  }
  return {
    putBack() {
      rmSync(dir, { recursive: true })
      execFileSync('cp', ['-a', copy, dir])
    },
  }
}
