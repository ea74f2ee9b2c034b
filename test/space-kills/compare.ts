import { co } from '../../src/lexicons/index.ts'
import type { Sql } from '../../src/database/sql.ts'
import { SetHash, sameHash } from '../../src/permissioned/format/set-hash.ts'
import { NODES, type NodeName } from './cast.ts'
import type { Expected, Op } from './oracle.ts'

type Pools = Readonly<Record<NodeName, Sql>>
const MESSAGES = `${co.kendev.spaces.message.$type}/`

/** What is not as it has to be once nothing is under way any more, in words. */
export async function differences(pools: Pools, repos: readonly Expected[]): Promise<string[]> {
  const found: string[] = []
  for (const repo of repos) {
    found.push(...(await inRepo(pools[repo.home], repo)))
    for (const node of NODES) found.push(...(await inViews(pools, node, repo)))
  }
  for (const node of NODES) {
    found.push(...(await inTables(pools[node], node, repos)))
    found.push(...(await leftOn(pools[node], node)))
  }
  found.push(...(await inOrder(pools.a, repos)))
  return found
}

/** Nothing acknowledged is lost, and nothing is there twice. */
async function inRepo(sql: Sql, repo: Expected): Promise<string[]> {
  const name = nameOf(repo)
  const at = [repo.space, repo.did]
  const { rows: records } = await sql.query<{ path: string; cid: string }>(
    `select collection || '/' || rkey as path, cid from repo.record
     where space = $1 and did = $2`,
    at,
  )
  const { rows: ops } = await sql.query<Op & { rev: string }>(
    `select collection || '/' || rkey as path, cid, prev, rev from repo.oplog
     where space = $1 and did = $2 order by rev, idx`,
    at,
  )
  const head = await headOf(sql, repo)
  const found: string[] = []
  const wanted = [...repo.records].map(([path, cid]) => ({ path, cid }))
  if (!sameRows(records, wanted)) found.push(`${name}: its records are not those acknowledged`)
  const logged = ops.map(({ path, cid, prev }) => `${path} ${cid} ${prev}`)
  const told = repo.ops.map(({ path, cid, prev }) => `${path} ${cid} ${prev}`)
  if (logged.join('\n') !== told.join('\n'))
    found.push(`${name}: its log has ${logged.length} operations, ${told.length} were acknowledged`)
  if ((head?.rev ?? '') !== repo.rev) found.push(`${name}: at ${head?.rev}, not ${repo.rev}`)
  if (head && !sameHash(hashOf(records), head.setHash)) found.push(`${name}: a wrong set hash`)
  return found
}

/** The views hold what the repo's own node has. */
async function inViews(pools: Pools, node: NodeName, repo: Expected): Promise<string[]> {
  const name = `views of ${node}, ${nameOf(repo)}`
  const at = [repo.space, repo.did]
  const head = await headOf(pools[repo.home], repo)
  const state = await pools[node].query<{ rev: string; setHash: Uint8Array }>(
    'select rev, "setHash" from appview."spaceRepo" where place = $1 and did = $2',
    at,
  )
  const { rows } = await pools[node].query<{ path: string; cid: string }>(
    `select collection || '/' || rkey as path, cid from appview."spaceRecord"
     where place = $1 and did = $2 and cid is not null`,
    at,
  )
  const [held] = state.rows
  if (!head) return held ? [`${name}: held, and nowhere there`] : []
  const found: string[] = []
  if (held?.rev !== head.rev) found.push(`${name}: at ${held?.rev}, not ${head.rev}`)
  if (held && !sameHash(held.setHash, head.setHash)) found.push(`${name}: another set hash`)
  const wanted = [...repo.records].map(([path, cid]) => ({ path, cid }))
  if (!sameRows(rows, wanted)) found.push(`${name}: other records are kept`)
  return found
}

/** Each message is one row, and no other is. */
async function inTables(sql: Sql, node: string, repos: readonly Expected[]): Promise<string[]> {
  const { rows } = await sql.query<{ path: string; cid: string }>(
    `select place || ' ' || did || ' ' || '${MESSAGES}' || rkey as path, cid from appview.message
     where admitted`,
  )
  const wanted = repos.flatMap(({ space, did, records }) =>
    [...records]
      .filter(([path]) => path.startsWith(MESSAGES))
      .map(([path, cid]) => ({ path: `${space} ${did} ${path}`, cid })),
  )
  const authority = (path: string) => path.split(' ')[1] === path.split('/')[2]
  const members = (all: typeof wanted) => all.filter(({ path }) => !authority(path))
  if (sameRows(members(rows), members(wanted))) return []
  return [`views of ${node}: ${rows.length} messages are shown, ${wanted.length} are there`]
}

const QUEUES = ['change', 'outbox', 'forward', 'notice', '"followRepo"']

/** Nothing waits any more. */
async function leftOn(sql: Sql, node: string): Promise<string[]> {
  const found: string[] = []
  for (const table of QUEUES) {
    const { rows } = await sql.query<{ n: number; row: unknown }>(
      `select count(*)::int as n, max(to_jsonb(t)::text) as row from repo.${table} t`,
    )
    const { n, row } = rows[0]!
    if (n > 0) found.push(`${n} left in ${table} of ${node}: ${String(row).slice(0, 300)}`)
  }
  return found
}

/** Each repo has its place in the space, and places only ever rise. */
async function inOrder(sql: Sql, repos: readonly Expected[]): Promise<string[]> {
  const found: string[] = []
  const { rows: writers } = await sql.query<{
    space: string
    did: string
    rev: string
    spaceRev: string | null
  }>('select space, did, rev, "spaceRev" from repo.writer')
  for (const repo of repos.filter(({ rev }) => rev !== '')) {
    const writer = writers.find(({ space, did }) => space === repo.space && did === repo.did)
    if (writer?.rev !== repo.rev || writer.spaceRev === null)
      found.push(`${nameOf(repo)}: known to its space at ${writer?.rev}, not ${repo.rev}`)
  }
  const places = writers.map(({ space, spaceRev }) => `${space} ${spaceRev}`)
  if (new Set(places).size !== places.length) found.push('two repos have one place in a space')
  return [...found, ...(await notRising(sql))]
}

/** Places of a space that did not rise; to be asked at any time. */
export async function notRising(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ space: string; rev: string; before: string }>(
    `select space, rev, before from (
       select space, rev, lag(rev) over (partition by space order by n) as before
       from public.moved) m
     where before >= rev`,
  )
  return rows.map(({ space, rev, before }) => `${space}: ${rev} came after ${before}`)
}

async function headOf(sql: Sql, { space, did }: Expected) {
  const { rows } = await sql.query<{ rev: string; setHash: Uint8Array }>(
    'select rev, "setHash" from repo.repo where space = $1 and did = $2 and "deletedAt" is null',
    [space, did],
  )
  return rows[0]
}

function hashOf(records: readonly { path: string; cid: string }[]): Uint8Array {
  const hash = new SetHash()
  for (const { path, cid } of records) hash.add(path, cid)
  return hash.state()
}

type Row = { path: string; cid: string }

function sameRows(a: readonly Row[], b: readonly Row[]): boolean {
  const texts = (rows: readonly Row[]) =>
    rows
      .map(({ path, cid }) => `${path} ${cid}`)
      .toSorted()
      .join('\n')
  return texts(a) === texts(b)
}

function nameOf({ space, did }: Expected): string {
  return `${did.slice(8, 12)} in ${space.split('/').at(-1)}`
}
