import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../clock.ts'
import { checkRecord } from './check-record.ts'
import { channel } from './collections/spaces/channel.ts'
import { membershipRequest } from './collections/spaces/membership-request.ts'
import { membership } from './collections/spaces/membership.ts'
import { space } from './collections/spaces/space.ts'
import type { Log } from '../log.ts'
import { audienceUri } from '../permissioned/audience.ts'
import type { Progress } from './progress.ts'
import type { RepoWriter } from './own-record.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'
import { requireSpaceLeft } from './tenant-spaces.ts'

/** The first records of a space, as they will be written; `at` is the moment it was asked for. */
export type SpacePlan = {
  readonly at: string
  /** Only for its members: nothing of it goes into its public repo. */
  readonly closed?: boolean
  readonly space: Record<string, unknown>
  readonly channels: readonly { rkey: string; record: Record<string, unknown> }[]
}

export type Founding = {
  readonly sql: SqlPool
  readonly writer: RepoWriter
  readonly progress: Progress
  readonly clock: Clock
  readonly log: Log
  /** Makes the account, or finds the one an interrupted attempt has made. */
  readonly ensureAccount: (handle: string) => Promise<{ did: string }>
}

type Pending = {
  caller: string
  key: string
  handle: string
  did: string | null
  records: SpacePlan
  confirmedAt: Date | null
}

const SPACES_PER_ACCOUNT_MAX = 100
const SUFFIX_MAX = 50
/** Stands for the space's DID while it has none. */
const UNFOUNDED = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'

/** Reserves a handle for a space and carries the plan out. The plan is stored before anything is
 *  made, so a crash in between is picked up at the next start; the same caller and key again get
 *  the same space. Throws `HandleNotAvailable`, `LimitExceeded`, and what `checkRecord` throws. */
export async function foundSpace(
  f: Founding,
  wish: { caller: string; key: string; slug: string; domain: string; exact: boolean },
  plan: SpacePlan,
): Promise<{ did: string }> {
  const unfounded = { did: UNFOUNDED, place: placeOfPlan(UNFOUNDED, plan) }
  for (const { record, ...at } of firstRecords(UNFOUNDED, wish.caller, plan))
    checkRecord({ ...unfounded, ...at }, record)
  const asked = await findPending(f.sql, wish)
  if (asked?.did && asked.confirmedAt) return { did: asked.did }
  const { rows } = await f.sql.query<{ n: number }>(
    'select count(*)::int n from node."pendingSpace" where caller = $1',
    [wish.caller],
  )
  if (!asked && rows[0]!.n >= SPACES_PER_ACCOUNT_MAX)
    throw new InvalidRequestError(
      `One account can found ${SPACES_PER_ACCOUNT_MAX} spaces on this node.`,
      'LimitExceeded',
    )
  for (let n = 1; n <= (wish.exact ? 1 : SUFFIX_MAX); n++) {
    const handle = `${n === 1 ? wish.slug : `${wish.slug}-${n}`}${wish.domain}`
    const pending = await reserve(f, wish, handle, plan)
    if (!pending) continue
    try {
      return await carryOut(f, pending)
    } catch (error) {
      if (!isNameRefused(error)) throw error
      await release(f.sql, pending)
      if (wish.exact || !isTaken(error)) throw error
    }
  }
  throw new InvalidRequestError('This name is taken. Choose another slug.', 'HandleNotAvailable')
}

/** Carries out every plan that a crash has left unfinished; to be called at start. One that fails,
 *  because its founder is gone for example, is left for the next start. */
export async function resumeFounding(f: Founding): Promise<number> {
  const { rows } = await f.sql.query<Pending>(
    'select * from node."pendingSpace" where "confirmedAt" is null order by "createdAt"',
  )
  let resumed = 0
  for (const pending of rows) {
    try {
      await carryOut(f, pending)
      resumed += 1
    } catch (error) {
      f.log.error({ handle: pending.handle, err: error }, 'a space could not be finished')
    }
  }
  return resumed
}

async function reserve(
  f: Founding,
  { caller, key }: { caller: string; key: string },
  handle: string,
  plan: SpacePlan,
): Promise<Pending | undefined> {
  const { tenant } = plan.space
  await transaction(f.sql, async (tx) => {
    if (typeof tenant === 'string') await requireSpaceLeft(tx, { tenant, caller, key })
    await tx.query(
      `insert into node."pendingSpace" (caller, key, handle, records, "createdAt")
       values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [caller, key, handle, JSON.stringify(plan), f.clock.now()],
    )
  })
  return findPending(f.sql, { caller, key })
}

async function findPending(
  sql: Sql,
  { caller, key }: { caller: string; key: string },
): Promise<Pending | undefined> {
  const { rows } = await sql.query<Pending>(
    'select * from node."pendingSpace" where caller = $1 and key = $2',
    [caller, key],
  )
  return rows[0]
}

async function release(sql: Sql, { caller, key }: Pending): Promise<void> {
  await sql.query(
    `delete from node."pendingSpace" where caller = $1 and key = $2 and "confirmedAt" is null`,
    [caller, key],
  )
}

/** Account, then all first records of the space in one commit, then the founder's own half. */
async function carryOut(f: Founding, pending: Pending): Promise<{ did: string }> {
  const { caller, key, handle, records } = pending
  const did = pending.did ?? (await f.ensureAccount(handle)).did
  await f.sql.query(
    'update node."pendingSpace" set did = $3 where caller = $1 and key = $2 and did is null',
    [caller, key, did],
  )
  const place = placeOfPlan(did, records)
  const made = await f.sql.query('select 1 from appview.space where did = $1', [did])
  if (made.rows.length === 0) {
    const creates = firstRecords(did, caller, records)
    const { rev } = await f.writer.createAll({ did, place, creates }).catch((error: unknown) => {
      if (!isThere(error)) throw error
      // A stop came between the repo and the views. Putting what is there tells where it stands.
      return f.writer.putRecord({ did, place, ...creates[0]! })
    })
    await f.progress.reached(did, rev, place)
  }
  const asked = { $type: membershipRequest.nsid, space: did, createdAt: records.at }
  const { rev } = await f.writer.putRecord({
    did: caller,
    place,
    collection: membershipRequest.nsid,
    rkey: did,
    record: asked,
  })
  await f.progress.reached(caller, rev, place)
  await f.sql.query(
    `update node."pendingSpace" set "confirmedAt" = $3
     where caller = $1 and key = $2 and "confirmedAt" is null`,
    [caller, key, f.clock.now()],
  )
  return { did }
}

/** Where the first records stand. */
function placeOfPlan(did: string, { closed = false }: SpacePlan): string {
  return closed ? audienceUri(did, 'members') : ''
}

function firstRecords(did: string, founder: string, plan: SpacePlan) {
  const owner = { $type: membership.nsid, subject: founder, role: 'owner', joinedAt: plan.at }
  return [
    { collection: space.nsid, rkey: 'self', record: { $type: space.nsid, ...plan.space } },
    { collection: membership.nsid, rkey: founder, record: owner },
    ...plan.channels.map(({ rkey, record }) => ({
      collection: channel.nsid,
      rkey,
      record: { $type: channel.nsid, space: did, ...record },
    })),
  ]
}

const nameOf = (error: unknown): string =>
  error instanceof InvalidRequestError ? (error.customErrorName ?? '') : ''
const isTaken = (error: unknown): boolean => nameOf(error) === 'HandleNotAvailable'
const isNameRefused = (error: unknown): boolean =>
  isTaken(error) || nameOf(error) === 'InvalidHandle'
const isThere = (error: unknown): boolean => nameOf(error) === 'RecordAlreadyExists'
