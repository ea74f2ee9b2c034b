import type { Indexer } from '../appview/index-record.ts'
import { type Sql, type SqlPool, transaction } from '../appview/sql.ts'
import type { Timers } from '../clock.ts'
import { finishTables, openBooks } from './books.ts'
import { type Changed, catchUp, changedAccounts } from './catch-up.ts'
import { NEXT, inSchema } from './in-schema.ts'
import { showInSpaces } from './bring-over.ts'
import type { OwnRepos } from './own-repos.ts'
import type { Sources } from './sources.ts'
import {
  catchUpSpaceRepo,
  changedSpaceRepos,
  loadSpaceRepo,
  spaceReposToLoad,
} from './space-repos.ts'
import { type Account, type Filling, takeInKept, takeInRepo } from './take-in.ts'

/** What a rebuild works with. */
export type Rebuilding = {
  readonly pool: SqlPool
  readonly indexer: Indexer
  readonly sources: Sources
  readonly ownRepos: OwnRepos
  /** what the own PDS is called in the views */
  readonly ownPds: string
  readonly timers: Timers
  readonly report: (line: string) => void
}

/** Reading a repo and storing another keep two cores busy. */
const REPOS_AT_ONCE = 3
/** So few accounts are brought forward while writers are held up. */
const FEW = 20
const PASSES_MAX = 50
const AHEAD_MS = 30_000
const AHEAD_STEP_MS = 200
const REPORT_EVERY_MS = 5_000

/** Fills the tables of a new schema from the repos, while the old ones serve, and brings them to
 *  where those are. Killed, it goes on where it was the next time. */
export async function fillNext(r: Rebuilding): Promise<Filling> {
  const { pool, indexer, timers, report } = r
  report('filling new tables beside those that serve')
  const phase = await openBooks(pool, indexer)
  const filling = { pool, indexer, now: timers.now() }
  if (phase === 'load') {
    await loadAll(r, { ...filling, bulk: true })
    await loadSpaces(r, { ...filling, bulk: true })
    report('computing figures and indexes')
    await finishTables(pool, indexer)
  } else report('going on with a rebuild that was broken off')
  const following = { ...filling, bulk: false }
  await follow(r, following)
  await notAhead(r)
  return following
}

type Known = Account & { readonly data: string | null; readonly pds: string | null }

async function loadAll(r: Rebuilding, filling: Filling): Promise<void> {
  const accounts = await accountsToLoad(r)
  let [done, records] = [0, 0]
  let toldAt = performance.now()
  await eachOf(accounts, async (account) => {
    const taken = await loadOne(r, filling, account)
    records += taken
    done += 1
    if (performance.now() - toldAt < REPORT_EVERY_MS) return
    toldAt = performance.now()
    r.report(`${done} of ${accounts.length} repos, ${records} records`)
  })
  r.report(`${done} repos, ${records} records`)
}

/** Works on a few at once; after the first failure nothing more is begun. */
async function eachOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const queue = Iterator.from(items)
  const failures: unknown[] = []
  const worker = async () => {
    for (const item of queue) {
      if (failures.length > 0) return
      await work(item)
    }
  }
  const failed = (error: unknown) => void failures.push(error)
  await Promise.all(Array.from({ length: REPOS_AT_ONCE }, () => worker().catch(failed)))
  if (failures.length > 0) throw failures[0]
}

/** After the public ones: of a record that was moved, either version then sees the other. */
async function loadSpaces(r: Rebuilding, filling: Filling): Promise<void> {
  const authors = await spaceReposToLoad(r.pool)
  if (authors.size === 0) return
  await eachOf(authors.values(), async (repos) => {
    for (const repo of repos) await loadSpaceRepo(r, filling, repo)
  })
  r.report(`permissioned repos of ${authors.size} accounts`)
}

/** Everybody in the old views, in the own PDS or in the folder, of whom nothing was taken yet. */
async function accountsToLoad({ pool, ownRepos, sources }: Rebuilding): Promise<Known[]> {
  const { rows } = await pool.query<Known & { deleted: boolean }>(
    `select did, rev, data, pds, status <> 'active' or "localStatus" is not null as hidden,
       status = 'deleted' as deleted
     from appview.account order by did`,
  )
  const known = new Set(rows.map(({ did }) => did))
  const own = [...ownRepos.accounts.values()].filter(({ did }) => !known.has(did))
  const cars = [...sources.cars].filter((did) => !known.has(did) && !ownRepos.accounts.has(did))
  const all = [
    ...rows.filter(({ deleted }) => !deleted),
    ...own.map(({ did, status }) => ({ ...NEW, did, hidden: status !== 'active' })),
    ...cars.map((did) => ({ ...NEW, did, hidden: false })),
  ]
  const taken = await pool.query<{ did: string }>(`select did from ${NEXT}.rebuilt`)
  const done = new Set(taken.rows.map(({ did }) => did))
  return all.filter(({ did }) => !done.has(did))
}

const NEW = { rev: null, data: null, pds: null }

/** Takes in one account and answers how many records its repo had. */
async function loadOne(r: Rebuilding, filling: Filling, account: Known): Promise<number> {
  const { did, rev, pds } = account
  const own = r.ownRepos.accounts.has(did) && (pds === null || pds === r.ownPds)
  const repo = await r.sources.take({ did, rev, own })
  if (repo.ok) await takeInRepo(filling, account, repo)
  else await takeInKept(filling, account, repo)
  return repo.ok ? repo.records.length : 0
}

/** Brings over, again and again, what the node has written meanwhile. */
async function follow(r: Rebuilding, filling: Filling): Promise<void> {
  for (let pass = 1; pass <= PASSES_MAX; pass++) {
    const changed = await changedAccounts(r.pool, { thorough: true })
    for (const account of changed) await followOne(r, filling, account)
    const brought = await followSpaces(r, filling)
    if (changed.length + brought <= FEW) return
    r.report(`${changed.length} accounts and ${brought} permissioned repos had changed`)
  }
}

/** Answers how many permissioned repos were brought over. */
async function followSpaces(r: Rebuilding, filling: Filling): Promise<number> {
  let brought = 0
  for (const repo of await changedSpaceRepos(r.pool)) {
    const held = await brief(r, async (tx) => {
      await tx.query('set transaction isolation level repeatable read')
      return catchUpSpaceRepo(tx, filling, repo, { anew: true })
    })
    if (held) brought += 1
  }
  return brought
}

async function followOne(r: Rebuilding, filling: Filling, changed: Changed): Promise<void> {
  const { rows } = await r.pool.query<{ pds: string | null }>(
    'select pds from appview.account where did = $1',
    [changed.did],
  )
  const account = { ...changed, pds: rows[0]?.pds ?? null }
  const same = changed.known && (await brief(r, (tx) => catchUp(tx, filling, changed)))
  if (same) return
  await loadOne(r, filling, account)
  // Taking its public repo in anew has hidden everything of the account.
  await brief(r, async (tx) => {
    if (account.hidden) await r.indexer.hide(inSchema(tx, NEXT), account.did, { quiet: true })
    else await showInSpaces(tx, filling, account.did)
  })
}

/** A transaction that gives way: whoever writes for the node must not be ended for our sake. */
async function brief<T>({ pool, timers }: Rebuilding, work: (tx: Sql) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await transaction(pool, async (tx) => {
        await tx.query(`set local lock_timeout = '300ms'`)
        return work(tx)
      })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === '55P03')) throw error
    }
    await timers.sleep(50 + 100 * timers.random())
  }
}

/** Waits until the node has read of the own accounts what their repos already said: what it then
 *  writes would be no news to the new tables, and live feeds would never tell it. */
async function notAhead({ pool, timers }: Rebuilding): Promise<void> {
  for (let waited = 0; waited < AHEAD_MS; waited += AHEAD_STEP_MS) {
    const { rows } = await pool.query<{ ahead: boolean }>(
      `select exists (select from ${NEXT}.rebuilt r join appview.account a using (did)
         where a.state = 'synchronized' and r.rev > a.rev and not r.hidden)
       or exists (select from repo.change c join ${NEXT}."spaceRepo" n
           on n.place = c.space collate "default" and n.did = c.did collate "default"
         left join appview."spaceRepo" o on (o.place, o.did) = (n.place, n.did)
         where n.rev > coalesce(o.rev, '') and c."nextAt" is null) as ahead`,
    )
    if (!rows[0]?.ahead) return
    await timers.sleep(AHEAD_STEP_MS)
  }
}
