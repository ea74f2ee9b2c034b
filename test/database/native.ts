import type { Kysely } from 'kysely'
import type pg from 'pg'
import { startEmbedded } from '../../src/database/embedded.ts'
import { removeEmbedded } from '../../src/database/placement.ts'
import { openKysely, openPool } from '../../src/database/pool.ts'
import { silentLog } from '../../src/log.ts'
import { tempFolder } from './temp-folder.ts'

export type NativeDatabase<T> = {
  url: string
  dataDir: string
  pool: pg.Pool
  db: Kysely<T>
  close(): Promise<void>
}

/** A real Postgres of its own for one test file; `close()` stops it and deletes all it made. */
export async function nativeDatabase<T>(): Promise<NativeDatabase<T>> {
  const folder = tempFolder()
  const server = await startEmbedded({ dataDir: folder.path, log: silentLog })
  const pool = openPool({ url: server.url, max: 10, log: silentLog })
  const close = async () => {
    if (!pool.ended) await pool.end()
    await server.stop()
    removeEmbedded(folder.path)
    folder.remove()
  }
  return { url: server.url, dataDir: folder.path, pool, db: openKysely<T>(pool), close }
}
