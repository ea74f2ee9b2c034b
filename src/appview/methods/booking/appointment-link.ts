import { ForbiddenError } from '@atproto/xrpc-server'
import type { Appointment } from '../../booking/appointment-change.ts'
import type { SignedLinks } from '../../business/signed-links.ts'

const PURPOSE = 'appointment'
const AFTER = 30 * 86_400_000

/** A link with which one appointment can be looked at, moved and cancelled without an account.
 *  It is good until a month after the appointment. */
export function linkOf(links: SignedLinks, uri: string, { endTime }: Pick<Appointment, 'endTime'>) {
  const until = new Date(Date.parse(endTime) + AFTER)
  return links.sign({ purpose: PURPOSE, subject: uri, until })
}

/** The appointment that a link is for. Throws `InvalidLink`. */
export function readLink(links: SignedLinks, token: string, now: Date): string {
  const uri = links.read(token, PURPOSE, now)
  if (uri !== undefined) return uri
  throw new ForbiddenError(
    'This link is over, or not of this node. Sign in, or ask the business for a new one.',
    'InvalidLink',
  )
}

const SERIES = 'series'
const SERIES_FOR = 3 * 366 * 86_400_000

/** A link with which a series can be changed without an account, for as long as one may go on. */
export function seriesLink(links: SignedLinks, uri: string, now: Date): string {
  return links.sign({ purpose: SERIES, subject: uri, until: new Date(now.getTime() + SERIES_FOR) })
}

/** The series that a link is for. Throws `InvalidLink`. */
export function readSeriesLink(links: SignedLinks, token: string, now: Date): string {
  const uri = links.read(token, SERIES, now)
  if (uri !== undefined) return uri
  throw new ForbiddenError('This link is over, or not of this node.', 'InvalidLink')
}
