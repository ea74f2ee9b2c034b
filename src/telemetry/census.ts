import { setTimeout as sleep } from 'node:timers/promises'

type ByName = Readonly<Record<string, number>>

/** How many there are, by state and by reason. */
export type Counts = { readonly repos: ByName; readonly quarantined: ByName }

type Sql = { query<R extends object>(text: string): Promise<{ rows: R[] }> }
type Row = { name: string; number: string }

const QUARANTINED = `select reason as name, count(*) as number from appview.record
  where reason is not null group by reason`
const REPOS = `select state as name, count(*) as number from appview.account group by state`

const KEPT_MS = 5_000
/** Counting may take this part of the time, so that large tables are counted less often. */
const SHARE = 1 / 20
const PATIENCE_MS = 2_000

/**
 * Counts repos and quarantined records in Postgres, at most every five seconds however often it is
 * asked. Undefined when Postgres does not answer in two; never throws. `now` is a stopwatch in
 * milliseconds.
 */
export function createCensus(sql: Sql, now: () => number): () => Promise<Counts | undefined> {
  let latest: { counts: Counts; until: number } | undefined
  let counting: Promise<Counts | undefined> | undefined
  const count = async (): Promise<Counts | undefined> => {
    const begun = now()
    try {
      const [repos, quarantined] = await Promise.all([
        sql.query<Row>(REPOS),
        sql.query<Row>(QUARANTINED),
      ])
      const counts = { repos: byName(repos.rows), quarantined: byName(quarantined.rows) }
      const took = now() - begun
      latest = { counts, until: now() + Math.max(KEPT_MS, took / SHARE) }
      return counts
    } catch {
      return undefined
    } finally {
      counting = undefined
    }
  }
  return async () => {
    if (latest && now() < latest.until) return latest.counts
    counting ??= count()
    return Promise.race([counting, sleep(PATIENCE_MS, undefined, { ref: false })])
  }
}

function byName(rows: readonly Row[]): ByName {
  return Object.fromEntries(rows.map(({ name, number }) => [name, Number(number)]))
}
