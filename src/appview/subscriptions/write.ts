import { XRPCError } from '@atproto/xrpc-server'
import type { co } from '../../lexicons/index.ts'
import { audienceUri } from '../../permissioned/audience.ts'
import { type Acting, act } from '../act.ts'
import { subscription } from '../collections/spaces/subscription.ts'
import type { Row } from '../define.ts'
import { type Transition, moveOf } from '../machine.ts'
import { noticeJob } from '../notify.ts'
import { recordUri } from '../reference.ts'
import { changedMeanwhile } from '../restrict.ts'
import { spaceName } from '../space-name.ts'
import type { Sql } from '../sql.ts'
import type { Charging } from './charge.ts'

/** The record of a subscription. */
export type Content = Omit<co.kendev.spaces.subscription.Main, '$type'>

/** What changing subscriptions needs. */
export type Subscribing = Acting & Charging

/** Whose subscription to what, as it was read; undefined for who never had one. */
export type Held = {
  readonly space: string
  readonly did: string
  readonly row: Row | undefined
}

/** Somebody's subscription to a space. */
export async function subscriptionOf(sql: Sql, space: string, did: string): Promise<Held> {
  const { rows } = await sql.query<Row>(
    'select * from appview.subscription where did = $1 and uri = $2',
    [space, recordUri(space, subscription.nsid, did)],
  )
  return { space, did, row: rows[0] }
}

/** The record as it was read. */
export function contentOf(row: Row): Content {
  return row['content'] as Content
}

/** Where the machine lets a subscription go. Throws `InvalidTransition`. */
export function requireMove(status: string, asked: Transition): void {
  moveOf(subscription.machine!, { status }, asked)
}

/** Why and for whom a subscription is written. */
export type By = {
  readonly actor: string
  readonly role: string
  readonly action: string
  /** What the member is told has become of it. */
  readonly told?: string
}

/** Writes a subscription over the version that was read, and answers it as read again. Throws
 *  `InvalidTransition` when that is not the newest any more. */
export async function writeSubscription(
  s: Subscribing,
  { space, did, row }: Held,
  next: Content,
  { actor, role, action, told }: By,
): Promise<Held> {
  const updatedAt = s.clock.now().toISOString()
  const record = { $type: subscription.nsid, ...next, updatedAt }
  const data = { space: await spaceName(s.sql, space), what: told ?? '' }
  const key = `${space} ${told} ${updatedAt}`
  const notice = { recipient: did, kind: 'subscriptionChanged', key, data, subject: space }
  const place = audienceUri(space, 'managers')
  await act(s, {
    at: { did: space, collection: subscription.nsid, rkey: did, place },
    record,
    swap: row?.cid ?? null,
    by: { actor, role, action },
    effects: told === undefined ? [] : [noticeJob(notice)],
  }).catch((error: unknown) => {
    const lost = error instanceof XRPCError && error.customErrorName === 'InvalidSwap'
    throw lost ? changedMeanwhile() : error
  })
  return subscriptionOf(s.sql, space, did)
}
