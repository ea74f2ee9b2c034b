import { expect, test } from 'vitest'
import { createProgress } from './progress.ts'
import type { Sql } from './sql.ts'

const DID = 'did:plc:ada'

/** A database that answers with this revision, or is away. */
function sqlWith(rev: string | Error): Sql {
  return {
    query: async <R extends object>() => {
      if (rev instanceof Error) throw rev
      return { rows: [{ rev }] as unknown as R[], rowCount: 1 }
    },
  }
}

test('a writer whose revision is shown already does not wait', async () => {
  expect(await createProgress(sqlWith('3b')).reached(DID, '3a')).toBe(true)
})

test('a writer waits for the views, also while the database is away', async () => {
  for (const sql of [sqlWith('3a'), sqlWith(new Error('Connection terminated'))]) {
    const progress = createProgress(sql)
    let done = false
    const reached = progress.reached(DID, '3c').finally(() => (done = true))
    progress.advance(new Map([[DID, '3b']]))
    await new Promise(setImmediate)
    expect(done).toBe(false)
    progress.advance(new Map([[DID, '3d']]))
    expect(await reached).toBe(true)
  }
})
