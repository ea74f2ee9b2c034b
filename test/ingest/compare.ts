import { collections } from '../../src/appview/collections/index.ts'
import { tableName } from '../../src/appview/schema.ts'
import type { Sql } from '../../src/appview/sql.ts'
import { wrongFigures } from '../recount.ts'
import type { Account } from './account.ts'
import { wrongFeeds } from './compare-feeds.ts'
import { FIRST_SPACE, type World } from './world.ts'

type Stand = {
  did: string
  state: string
  reason: string | null
  status: string
  rev: string | null
  data: string | null
}

/** What is held that is not as the world is, in words; empty when all of it is. */
export async function differences(sql: Sql, world: World): Promise<string[]> {
  const parts = [wrongCursors, wrongAccounts, wrongRecords, wrongRows]
  const found: string[] = []
  for (const part of parts) found.push(...(await part(sql, world)))
  if (found.length > 0) return found
  return [...(await wrongFigures(sql, collections)), ...(await wrongFeeds(sql, world))]
}

/** Each host's stream was read to its end, by all parts. */
async function wrongCursors(sql: Sql, { hosts }: World): Promise<string[]> {
  const { rows } = await sql.query<{ host: string; cursor: string | null }>(
    `select host, min(coalesce(cursor, -1)) as cursor from appview.cursor group by host`,
  )
  const cursors = new Map(rows.map(({ host, cursor }) => [host, Number(cursor)]))
  return hosts.flatMap(({ origin, seq, isEmpty }) => {
    const cursor = cursors.get(origin)
    const isRight = cursor === seq || (cursor === undefined && isEmpty)
    return isRight ? [] : [`the cursor of ${origin} is ${cursor}, not ${seq}`]
  })
}

async function wrongAccounts(sql: Sql, world: World): Promise<string[]> {
  const { rows } = await sql.query<Stand>(
    `select did, state, "stateReason" as reason, status, rev, data from appview.account`,
  )
  const known = new Map(rows.map((row) => [row.did, row]))
  return world.accounts.flatMap((account) => {
    const wrong = isExpected(world, account) && wrongAccount(account, known.get(account.did))
    return wrong ? [`${account.did} at ${account.host.origin} ${wrong}`] : []
  })
}

/** A guest is followed from when the first space admits them. */
function isExpected({ accounts, guests }: World, { did }: Account): boolean {
  if (!guests.includes(did)) return true
  const space = accounts.find((account) => account.did === FIRST_SPACE)
  return [...space!.state.records.keys()].some((path) => path.endsWith(did))
}

function wrongAccount({ status, state }: Account, held: Stand | undefined): string | undefined {
  if (held === undefined) return status === 'deleted' ? undefined : 'is not known'
  if (status !== 'active') {
    const hidden =
      held.status !== 'active' && (held.status === 'deleted') === (status === 'deleted')
    return hidden ? undefined : `is ${status}, not ${held.status}`
  }
  if (held.status !== 'active') return `is active, not ${held.status}`
  if (held.state !== 'synchronized') return `is ${held.state}: ${held.reason}`
  if (held.rev !== state.rev) return `is at ${state.rev}, not at ${held.rev}`
  return held.data === state.tree.root.$link ? undefined : 'has another root'
}

/** All that is kept: of accounts that are there what they hold, of deleted ones nothing. */
async function wrongRecords(sql: Sql, { accounts }: World): Promise<string[]> {
  const { rows } = await sql.query<{ did: string; path: string; cid: string }>(
    `select did, collection || '/' || rkey as path, cid from appview.record where cid is not null`,
  )
  const found = Map.groupBy(rows, ({ did }) => did)
  const stranger = [...found.keys()].find((did) => !accounts.some((one) => one.did === did))
  const wrong = accounts.flatMap((account) => {
    const { did, status } = account
    if (status !== 'active' && status !== 'deleted') return []
    const kept = new Map((found.get(did) ?? []).map(({ path, cid }) => [path, cid]))
    const truth = status === 'deleted' ? new Map<string, string>() : ours(account)
    return differ(truth, kept).map((what) => `kept of ${did}: ${what}`)
  })
  return stranger === undefined ? wrong : [...wrong, `${stranger} does not exist`]
}

function ours({ state }: Account): Map<string, string> {
  const all = [...state.records].map(([path, { link }]) => [path, link] as const)
  return new Map(all.filter(([path]) => path.startsWith('co.kendev.')))
}

/** The rows of every collection are the good records of active accounts, and nothing else. */
async function wrongRows(sql: Sql, { accounts, bad }: World): Promise<string[]> {
  const wrong: string[] = []
  for (const { table, nsid } of collections) {
    const { rows } = await sql.query<{ uri: string; cid: string }>(
      `select uri, cid from ${tableName(table)}`,
    )
    const truth = accounts.flatMap((account) => {
      if (account.status !== 'active') return []
      const of = [...ours(account)].filter(([path, cid]) => {
        return path.startsWith(`${nsid}/`) && !bad.has(`${account.did} ${path} ${cid}`)
      })
      return of.map(([path, cid]) => [`at://${account.did}/${path}`, cid] as const)
    })
    const shown = new Map(rows.map(({ uri, cid }) => [uri, cid]))
    wrong.push(...differ(new Map(truth), shown).map((what) => `shown in ${table}: ${what}`))
  }
  return wrong
}

function differ(truth: ReadonlyMap<string, string>, held: ReadonlyMap<string, string>): string[] {
  const wrong = [...truth].flatMap(([key, cid]) => {
    const other = held.get(key)
    return other === cid ? [] : [other === undefined ? `no ${key}` : `an old ${key}`]
  })
  const gone = [...held.keys()].filter((key) => !truth.has(key))
  return [...wrong, ...gone.map((key) => `${key}, which is gone`)]
}
