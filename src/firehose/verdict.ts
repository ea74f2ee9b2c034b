import type { Log } from '../log.ts'
import type { FirehoseEvent } from './event.ts'
import type { Arrival } from './intake.ts'
import { type Rules, judge, judgeMalformed } from './judge.ts'
import type { Message } from './message.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { Covered } from './subscription-options.ts'

export type VerdictOptions = Rules & {
  log: Log
  inScope: (did: string, message?: Message) => Covered
  /** Called for each message that was judged, with the reason of a refusal. */
  onJudged?: (refused: string | undefined) => void
}

/** The event of an arrival; undefined when it has none, being out of scope or without effect here.
 *  Throws only when something of ours is broken or is being stopped. */
export async function verdictOn(
  arrival: Arrival,
  options: VerdictOptions,
): Promise<FirehoseEvent | undefined> {
  const { content } = arrival
  if (content.kind === 'skipped') return undefined
  const message = content.kind === 'message' ? content.message : undefined
  const did = message?.did ?? (content.kind === 'refused' ? content.did : '')
  // A frame that names nobody may have been about anybody.
  if (did !== '' && !(await isCovered(options.inScope(did, message)))) return undefined
  const verdict =
    content.kind === 'message'
      ? await judge(content.message, options)
      : did === ''
        ? content.refusal
        : await judgeMalformed(did, content.refusal, options)
  const refused = 'ok' in verdict ? verdict.reason : undefined
  options.onJudged?.(refused)
  if (!('ok' in verdict)) return verdict
  if (refused === 'IdentityUnavailable') return lostOrRefused(arrival, did, options)
  return refusedEvent(arrival, did, verdict, options)
}

async function isCovered(covered: Covered): Promise<boolean> {
  return typeof covered === 'boolean' ? covered : covered()
}

/** What is told of an account that could not be judged in its time. A host that is not known to
 *  have the account cannot make us fetch it. */
export async function lostOrRefused(
  arrival: Arrival,
  did: string,
  options: VerdictOptions,
): Promise<FirehoseEvent> {
  const home = options.kind === 'relay' ? undefined : await options.homeOf(did)
  const reason = 'IdentityUnavailable'
  if (home && home !== options.host)
    return refusedEvent(arrival, did, refuse(reason, `the account lived at ${home}`), options)
  const { seq } = arrival
  options.log.warn({ seq, did }, 'let go: its identity cannot be found out')
  return { kind: 'lost', seq, did, reason, time: options.timers.now().toISOString() }
}

function refusedEvent(
  { seq, frame }: Arrival,
  did: string,
  refusal: Refusal,
  { log, timers }: VerdictOptions,
): FirehoseEvent {
  const { reason, detail, moved } = refusal
  log.warn({ seq, did, reason, detail }, 'refused')
  const time = timers.now().toISOString()
  const told = { seq, did, reason, detail, frame, time, ...(moved && { moved }) }
  return { kind: 'refused', ...told }
}
