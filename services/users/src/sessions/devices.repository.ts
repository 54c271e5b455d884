import type { Insertable } from 'kysely'
import type { Trx } from '../database.js'
import type { DeviceTable } from './devices.table.js'

export async function insertDevice(trx: Trx, row: Insertable<DeviceTable>): Promise<void> {
  await trx.insertInto('devices').values(row).execute()
}

/** Marks a device of this account as superseded. The first time counts: using an old token again does not prolong it. */
export async function supersedeDevice(
  trx: Trx,
  { id, userId, at }: { id: string; userId: string; at: Date },
): Promise<void> {
  await trx
    .updateTable('devices')
    .set({ superseded_at: at })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('superseded_at', 'is', null)
    .where('expires_at', '>', at)
    .execute()
}
