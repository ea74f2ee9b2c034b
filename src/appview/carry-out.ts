import type { Plan } from '../firehose/plan.ts'
import type { Applied } from '../firehose/store.ts'
import { changeAccounts, showAgain } from './account.ts'
import type { Indexer } from './index-record.ts'
import { keepRefused } from './refused-events.ts'
import type { Sql } from './sql.ts'

/** Does what was planned for accounts whose rows are locked, in the caller's transaction. */
export async function carryOut(
  tx: Sql,
  plan: Plan,
  at: { indexer: Indexer; host: string; now: Date },
): Promise<Applied> {
  const { indexer, now } = at
  const outcomes: Record<string, number> = { ...plan.told.outcomes }
  for (const did of plan.forget) await indexer.hide(tx, did)
  if (plan.forget.length > 0)
    for (const table of ['record', '"spaceRecord"', '"spaceRepo"'])
      await tx.query(`delete from appview.${table} where did = any($1)`, [plan.forget])
  const written = plan.writes.length > 0 && (await indexer.writeAll(tx, plan.writes, { now }))
  for (const outcome of written ? written.outcomes : []) {
    const name = typeof outcome === 'string' ? outcome : 'refused'
    outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  for (const did of plan.hide) await indexer.hide(tx, did)
  await changeAccounts(tx, plan.changes, now)
  for (const did of plan.show) await showAgain(tx, indexer, did)
  await keepRefused(tx, at, plan.refused)
  return { ...plan.told, outcomes, named: written ? written.named : [] }
}
