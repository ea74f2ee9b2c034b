import type { LexMap } from '@atproto/lex'
import { XRPCError } from '@atproto/xrpc-server'
import type { SqlPool } from '../../src/database/sql.ts'
import { type SpaceStoreOptions, createSpaceStore } from '../../src/permissioned/store.ts'
import { createTids } from '../../src/tid.ts'

/** A space whose authority is elsewhere, an author, and a collection. */
export const SPACE = 'at://did:plc:shop/space/com.example.room/main'
export const DID = 'did:plc:ada'
export const NOTE = 'com.example.note'

/** A record of the tests. */
export const note = (text: string): LexMap => ({ $type: NOTE, text })

/** One write of a note. */
export const write = (
  action: 'create' | 'put' | 'update' | 'delete',
  rkey: string,
  text?: string,
  swapRecord?: string | null,
) => ({
  action,
  collection: NOTE,
  rkey,
  ...(text !== undefined && { record: note(text) }),
  ...(swapRecord !== undefined && { swapRecord }),
})

/** A time that tests set. */
export const testClock = (start = '2026-11-23T12:00:00Z') => {
  let now = new Date(start)
  return {
    now: () => now,
    set: (at: Date) => (now = at),
    step: (ms: number) => (now = new Date(now.getTime() + ms)),
  }
}

/** A store that takes every record, with a clock of its own unless one is given. */
export function storeOn(pool: SqlPool, options: Partial<SpaceStoreOptions> = {}) {
  const clock = options.clock ?? testClock()
  return createSpaceStore({
    pool,
    clock,
    nextTid: createTids(clock),
    validate: () => ({ ok: true }),
    ...options,
  })
}

/** The name of the XRPC error that something was refused with. */
export async function errorOf(work: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) return undefined
  return error instanceof XRPCError ? (error.customErrorName ?? error.error) : 'no XRPC error'
}

/** Empties every table of schema `repo`. */
export async function clear(pool: SqlPool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables
     where table_schema = 'repo' and table_name not like 'kysely%'`,
  )
  await pool.query(`truncate ${rows.map(({ name }) => `repo.${name}`).join(', ')}`)
}
