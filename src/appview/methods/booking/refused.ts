import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import {
  type Appointment,
  CORRECTED_WITHIN,
  type Refused,
  policyOf,
} from '../../booking/appointment-change.ts'
import { localOf } from '../../booking/local-time.ts'

/** What somebody is told who may not do something to an appointment now. */
export function refused(why: Refused, a: Appointment): InvalidRequestError | ForbiddenError {
  const at = (ms: number) => `${localOf(ms, a.timezone)} (${a.timezone})`
  const start = Date.parse(a.startTime)
  if (why === 'NotAllowed')
    return new ForbiddenError('The business does not let customers do this. Ask it.', why)
  if (why === 'TooEarly')
    return new InvalidRequestError(`It begins at ${at(start)}: this can be said then.`, why)
  const isOver = ['completed', 'no_show'].includes(a.status)
  const until = isOver
    ? Date.parse(a.endTime) + CORRECTED_WITHIN
    : start - policyOf(a).cutOff * 60_000
  return new InvalidRequestError(`This was possible until ${at(until)}. Ask the business.`, why)
}
