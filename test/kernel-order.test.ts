import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noteAccount } from '../src/appview/account.ts'
import { collections } from '../src/appview/collections/index.ts'
import type { Write } from '../src/appview/index-record.ts'
import { transaction } from '../src/appview/sql.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { silentLog } from '../src/log.ts'
import { type AppViewDatabase, NOW, appViewDatabase } from './appview-database.ts'
import { setStatus, someVersions, spaces, people, tables, writesOf } from './kernel-history.ts'
import { wrongFigures } from './recount.ts'

const RUNS = 60
const moment = fc.nat(999)
const history = fc.record({
  versions: fc.array(
    fc.record({
      version: someVersions,
      arrives: fc.array(moment, { minLength: 1, maxLength: 2 }),
    }),
    { minLength: 5, maxLength: 40, size: 'max' },
  ),
  statuses: fc.array(
    fc.record({
      did: fc.constantFrom(...spaces, ...people),
      status: fc.constantFrom('active', 'deactivated'),
      at: moment,
    }),
    { maxLength: 6 },
  ),
  // Making the tables anew takes as long as all the rest.
  rebuilds: fc.constantFrom(true, false, false),
})
type History = typeof history extends fc.Arbitrary<infer T> ? T : never
type Status = { readonly did: string; readonly status: string }
type Step = Write | Status

test('what is shown follows the records, not the order in which they arrive', async () => {
  const db = await appViewDatabase()
  await fc.assert(
    fc.asyncProperty(history, async (h) => {
      const writes = await writesOf(h.versions.map(({ version }) => version))
      const last = new Map(h.statuses.toSorted((a, b) => a.at - b.at).map((s) => [s.did, s]))
      const straight = await tablesAfter(db, [...writes, ...last.values()])
      expect(await tablesAfter(db, arrivalsOf(h, writes))).toEqual(straight)
      expect(await wrongFigures(db.pool, collections)).toEqual([])
      if (!h.rebuilds) return
      await db.pool.query(`update appview."viewTable" set fingerprint = 'another'`)
      const made = await prepareViewTables({ ...db, log: silentLog })
      expect(made.rebuilt).toBe(true)
      expect(await tables(db)).toEqual(straight)
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
  )
})

/** The same in another order, some twice, with accounts hidden and shown in between. */
function arrivalsOf({ versions, statuses }: History, writes: readonly Write[]): Step[] {
  const arrivals = versions.flatMap(({ arrives }, n) =>
    arrives.map((at) => ({ at, step: writes[n]! as Step })),
  )
  const changes = statuses.map((status) => ({ at: status.at, step: status as Step }))
  return [...arrivals, ...changes].toSorted((a, b) => a.at - b.at).map(({ step }) => step)
}

async function tablesAfter(db: AppViewDatabase, steps: readonly Step[]) {
  await db.clear()
  for (const step of steps) {
    await transaction(db.pool, async (tx) => {
      if ('status' in step) return setStatus(tx, db.indexer, step)
      const { hidden } = await noteAccount(tx, step.did, NOW)
      await db.indexer.write(tx, step, { now: NOW, hidden })
    })
  }
  return tables(db)
}
