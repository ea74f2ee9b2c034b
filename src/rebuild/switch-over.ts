import type { Timers } from '../clock.ts'
import { type Sql, type SqlPool, transaction } from '../appview/sql.ts'
import { quote } from '../appview/schema.ts'
import { catchUp, changedAccounts } from './catch-up.ts'
import { NEXT, OLD } from './in-schema.ts'
import { catchUpSpaceRepo, changedSpaceRepos, makeSpaceReposDue } from './space-repos.ts'
import type { Filling } from './take-in.ts'

/** Nobody may wait for us longer than this: deadlocks are looked for after a second, and it must
 *  not be a reader of the node who is ended for one. */
const LOCK_MS = 300
const PAUSE_MS = 200
const ATTEMPTS = 150

/** Puts the new tables in the place of the old ones, in one transaction that holds up whoever
 *  writes, brings the new tables to where the old ones are, and last holds up readers while names
 *  change. Tables that are no views (accounts, hosts, cursors, feeds, refusals) stay as they are.
 *  Tries again while it does not get its locks; throws when it never does. */
export async function switchOver(
  filling: Filling,
  options: { timers: Timers; keepOld: boolean },
): Promise<{ heldUpMs: number }> {
  const { timers, keepOld } = options
  if (keepOld) await filling.pool.query(`drop schema if exists ${OLD} cascade`)
  if (keepOld) await filling.pool.query(`create schema ${OLD}`)
  return withLocks(filling.pool, timers, async (tx) => {
    const begun = performance.now()
    const doubtful = await finish(tx, filling)
    const [before, after] = [await tablesOf(tx, 'appview'), await tablesOf(tx, NEXT)]
    await tx.query(`lock table ${before.join(', ')} in access exclusive mode`)
    await correctAccounts(tx, filling.now, doubtful)
    await makeSpaceReposDue(tx, filling.now)
    for (const table of before)
      await tx.query(keepOld ? `alter table ${table} set schema ${OLD}` : `drop table ${table}`)
    for (const table of after) await tx.query(`alter table ${table} set schema appview`)
    await tx.query(`drop schema ${NEXT} cascade`)
    return { heldUpMs: Math.round(performance.now() - begun) }
  })
}

/** Runs `work` while nobody writes; readers go on. */
export async function withLocks<T>(
  pool: SqlPool,
  timers: Timers,
  work: (tx: Sql) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction(pool, async (tx) => {
        await tx.query(`set local lock_timeout = '${LOCK_MS}ms'`)
        // Who writes locks accounts first.
        const tables = ['appview.account', ...(await tablesOf(tx, 'appview'))]
        await tx.query(`lock table ${tables.join(', ')} in exclusive mode`)
        return work(tx)
      })
    } catch (error) {
      if (attempt >= ATTEMPTS || !isLockTimeout(error)) throw error
    }
    await timers.sleep(PAUSE_MS * (0.5 + timers.random()))
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}

/** The tables of a schema that are made anew from repos. */
async function tablesOf(tx: Sql, schema: string): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>(
    `select name from ${schema}."viewTable"
     where to_regclass(format('%I.%I', '${schema}', name)) is not null order by name`,
  )
  const kept = ['record', '"spaceRecord"', '"spaceRepo"', '"viewTable"']
  return [...rows.map(({ name }) => quote(name)), ...kept].map((table) => `${schema}.${table}`)
}

/** The last step of catching up; answers the accounts whose repos have to be fetched anew. */
export async function finish(tx: Sql, filling: Filling): Promise<string[]> {
  const doubtful: string[] = []
  for (const changed of await changedAccounts(tx))
    if (!(await catchUp(tx, filling, changed))) doubtful.push(changed.did)
  // What does not add up is left as it was taken in, and made due once the new tables serve.
  for (const repo of await changedSpaceRepos(tx))
    await catchUpSpaceRepo(tx, filling, repo, { anew: false })
  return doubtful
}

/** Accounts whose fetching was under way have been fetched into the old tables. */
async function correctAccounts(tx: Sql, now: Date, doubtful: readonly string[]): Promise<void> {
  await tx.query(
    `update appview.account set state = 'desynchronized', "stateReason" = 'Rebuilt',
       "resyncAt" = $2
     where state = 'in-progress' or (did = any($1) and status <> 'deleted')`,
    [doubtful, now],
  )
  await tx.query(
    `update appview.account a set data = r.data from ${NEXT}.rebuilt r
     where a.did = r.did and a.rev = r.rev and a.data <> r.data`,
  )
  await tx.query(
    `insert into appview.account (did, handle, pds, status, followed, rev, data, state,
       "stateReason", "resyncAt", "updatedAt")
     select did, handle, pds, case when hidden then 'deactivated' else 'active' end,
       "from" <> 'own', rev, data, case when "from" = 'own' then 'synchronized'
         else 'desynchronized' end, case when "from" = 'own' then null else 'Rebuilt' end,
       case when "from" = 'own' then null else $1::timestamptz end, $1
     from ${NEXT}.rebuilt where "from" in ('own', 'car', 'pds') on conflict (did) do nothing`,
    [now],
  )
}
