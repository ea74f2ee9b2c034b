import type { Clock } from '../../clock.ts'
import type { Sql } from '../../database/sql.ts'
import type { Guard } from './guard.ts'
import { planWrites } from './plan-writes.ts'
import { type SpaceWrite, type ValidateRecord, WRITES_MAX, prepareWrites } from './prepare-write.ts'
import { readStates } from './read-states.ts'
import { spaceRecordUri } from '../space-ref.ts'
import { type PlannedRepo, storePlans } from './write-statement.ts'

/** Writes for the repo of an author in one space. */
export type PlaceWrites = { readonly space: string; readonly writes: readonly SpaceWrite[] }

/** A repo after its writes; `cids` are in their order, null for deletions. */
export type PlaceWritten = {
  readonly space: string
  readonly rev: string
  readonly results: readonly {
    readonly uri: string
    readonly cid: string | null
    readonly prev: string | null
  }[]
}

/** What writing together needs. */
export type Together = {
  readonly clock: Clock
  readonly nextTid: () => string
  readonly validate: ValidateRecord
  readonly guards: readonly Guard[]
}

/**
 * Writes into several repos of one author within the caller's transaction: what else it does is
 * done with all of the records or with none. The repos stay locked until it ends. Records cannot
 * refer to blobs here. Throws what a batch of one repo does (`SpaceStore.applyWrites`).
 */
export async function writeTogether(
  tx: Sql,
  { did, places }: { did: string; places: readonly PlaceWrites[] },
  { clock, nextTid, validate, guards }: Together,
): Promise<PlaceWritten[]> {
  // In one order for all, so that no two wait for each other.
  const sorted = places.toSorted((a, b) => (a.space < b.space ? -1 : 1))
  const spaces = sorted.map(({ space }) => space)
  await tx.query(LOCK, [did, spaces])
  const prepared = sorted.map(({ writes }) =>
    batchesOf(writes).map((batch) => prepareWrites(batch, validate)),
  )
  if (prepared.flat(2).some(({ blobs }) => blobs.length > 0))
    throw new Error('records with blobs are written one by one')
  const states = await readStates(
    tx,
    spaces.map((space, n) => ({ space, did, believed: undefined, paths: prepared[n]!.flat() })),
  )
  const repos = spaces.map((space, n): PlannedRepo => {
    const how = { swapRev: undefined, evidence: undefined, source: 'signed' as const }
    const calls = prepared[n]!.map((writes) => ({ ...how, writes }))
    const [state, held] = [states[n]?.state, states[n]?.held ?? new Map<string, string>()]
    return { space, did, plan: planWrites({ state, held, calls, nextTid }) }
  })
  for (const { plan } of repos) for (const one of plan.outcomes) if ('error' in one) throw one.error
  const changed = repos.filter(({ plan }) => plan.changes.length > 0)
  const done = await storePlans(tx, changed, clock.now())
  if (done.size < changed.length) throw meanwhile()
  await applyGuards(tx, changed, guards)
  return repos.map(({ space, plan }, n) => ({
    space,
    rev: plan.rev,
    results: prepared[n]!.flat().map(({ collection, rkey, cid, path }) => ({
      uri: spaceRecordUri(space, did, collection, rkey),
      cid,
      prev: plan.changes.find((change) => change.path === path)?.prev ?? null,
    })),
  }))
}

/** Batches of as many as one may have, in their order. */
function batchesOf<T>(writes: readonly T[]): T[][] {
  const count = Math.ceil(writes.length / WRITES_MAX)
  return Array.from({ length: count }, (_, n) => writes.slice(n * WRITES_MAX, (n + 1) * WRITES_MAX))
}

/** A repo that did not exist when it was to be locked was made meanwhile. */
function meanwhile(): Error {
  return Object.assign(new Error('a repo was made meanwhile'), { code: '40001' })
}

async function applyGuards(
  tx: Sql,
  repos: readonly PlannedRepo[],
  guards: readonly Guard[],
): Promise<void> {
  for (const { space, did, plan } of repos)
    for (const { collection, rkey, rev, record } of plan.changes)
      for (const guard of guards)
        if (guard.concerns({ space, did, collection }))
          await guard.apply(tx, { space, did, collection, rkey, rev, record })
}

const LOCK = `select 1 from repo.repo where did = $1 and space = any($2::text[])
  order by space for update`
