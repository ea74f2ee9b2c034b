import { InvalidRequestError } from '@atproto/xrpc-server'
import type { SignedLinks } from '../../business/signed-links.ts'
import type { Sql } from '../../sql.ts'
import { type Venue, type VenuePlan, planOf } from './venue-plan.ts'

const PURPOSE = 'hold'

/** What a hold is of. Whoever has its token holds it. */
export type HoldOf = {
  readonly tenant: string
  readonly booking: string
  readonly venue: string
  readonly serviceId: string
  readonly start: number
  readonly end: number
  readonly staff?: string | undefined
  readonly bayId?: string | undefined
  readonly seats: number
}

/** A hold as it is used, with the plan of its venue. */
export type Held = HoldOf & { planOf(sql: Sql, venue: Venue): Promise<VenuePlan> }

/** The token of a hold, good for as long as it is held. */
export function signHold(links: SignedLinks, hold: HoldOf, until: Date): string {
  return links.sign({ purpose: PURPOSE, subject: JSON.stringify(hold), until })
}

/** What a token holds. Throws `HoldExpired` for one that holds nothing any more. */
export function readHold(links: SignedLinks, token: string, now: Date): Held {
  const subject = links.read(token, PURPOSE, now)
  if (subject === undefined)
    throw new InvalidRequestError(
      'This holds nothing any more: ten minutes are over. Look for a start again.',
      'HoldExpired',
    )
  const hold = JSON.parse(subject) as HoldOf
  const within = { start: hold.start, end: hold.end }
  return { ...hold, planOf: (sql, venue) => planOf(sql, venue, within) }
}
