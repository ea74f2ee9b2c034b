import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Outbox } from '../jobs/jobs.ts'
import { noticeJob } from './notify.ts'
import { type Limits, nearness } from './plans.ts'

/** A limit of a plan, what is used of it and how much is allowed. */
export type Use = {
  readonly limit: keyof Limits
  readonly used: number
  readonly allowed: number
}

/** Says that a limit is reached, which one and how far (`domain.md` D-104); `advice` says what to
 *  do. */
export function limitExceeded({ limit, used, allowed }: Use, advice: string): InvalidRequestError {
  return new InvalidRequestError(
    `A limit of this tenant's plan is reached (${limit}: ${used} of ${allowed}). ${advice}`,
    'LimitExceeded',
  )
}

type Told = {
  readonly id: string
  readonly did: string
  readonly name: string
  readonly owner: string
}

/** Tells the owner of a tenant that four fifths of a limit are used, once for each size of the
 *  limit and `period`. */
export async function warnOwner(
  outbox: Outbox,
  tenant: Told,
  { limit, used, allowed }: Use,
  period = '',
): Promise<void> {
  if (nearness(used, allowed) === 'free') return
  const data = { tenant: tenant.name, limit, used: `${used}`, allowed: `${allowed}` }
  const key = [tenant.id, limit, allowed, ...(period ? [period] : [])].join(' ')
  const told = { recipient: tenant.owner, kind: 'limitWarning', key, data, subject: tenant.did }
  await outbox.transact((_tx, queue) => queue(noticeJob(told)))
}
