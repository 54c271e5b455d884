import { type Expression, sql } from 'kysely'

/** Rows as one value, to be inserted: a list would be another statement for each length of it. `types` names every column and its type. */
export function rowsAs<Column extends string>(
  types: Readonly<Record<Column, string>>,
  rows: readonly Partial<Record<Column, unknown>>[],
): { columns: Column[]; expression: Expression<unknown> } {
  const columns = Object.keys(types) as Column[]
  const typed = sql.raw(columns.map((column) => `${column} ${types[column]}`).join(', '))
  const names = sql.join(columns.map((column) => sql.ref(column)))
  return {
    columns,
    expression: sql`select ${names} from json_to_recordset(${JSON.stringify(rows)}::json) as row (${typed})`,
  }
}
