import type { Insertable } from 'kysely'
import type { Trx } from '../database.js'
import type { ResetTokenTable } from './reset-tokens.table.js'

export async function insertResetToken(trx: Trx, row: Insertable<ResetTokenTable>): Promise<void> {
  await trx.insertInto('reset_tokens').values(row).execute()
}
