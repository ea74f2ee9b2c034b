import type { Events } from '../events.ts'
import type { Phase } from '../tokens/attestation.ts'
import { ImpossibleStep, isRefusal } from '../tokens/refusal.ts'
import type { Answer } from '../tokens/validator.ts'
import type { Desk } from './desk.ts'
import type { OpenDesk, Seat } from './seat.ts'

/** The same desk, with its attestations and refusals counted, those of a validator that has halted
 *  as `Halted`. */
export function countedDesk(desk: Desk, events: Events): Desk {
  const counted = async (phase: Phase, answering: Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await answering
      if (isRefusal(answer)) events.count('validator.refused', { phase, reason: answer.reason })
      else if ('attestation' in answer) events.count('validator.attested', { phase })
      return answer
    } catch (error) {
      const isHalted = error instanceof ImpossibleStep
      if (isHalted) events.count('validator.refused', { phase, reason: 'Halted' })
      throw error
    }
  }
  return {
    ...desk,
    submit: (submission) => counted('lock', desk.submit(submission)),
    apply: (account, record, certificate) =>
      counted('apply', desk.apply(account, record, certificate)),
  }
}

/** The same seat, with what is asked of its desk counted. */
export function countedSeat(seat: Seat, events: Events): Seat {
  const known = new WeakMap<OpenDesk, OpenDesk>()
  const counted = (open: OpenDesk | undefined): OpenDesk | undefined => {
    if (!open) return undefined
    const made = known.get(open) ?? { ...open, desk: countedDesk(open.desk, events) }
    known.set(open, made)
    return made
  }
  return {
    epochs: seat.epochs,
    sql: seat.sql,
    desk: () => counted(seat.desk()),
    validating: () => counted(seat.validating()),
  }
}
