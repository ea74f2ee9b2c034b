import type { Clock } from '../../clock.ts'
import type { Job, Outbox } from '../../jobs/jobs.ts'
import type { Sql } from '../sql.ts'
import {
  OutcomeUnknown,
  type Payment,
  type PaymentProvider,
  ProviderRefused,
} from './payment-provider.ts'
import { eventsOf, readEvent } from './sandbox-events.ts'
import { type Kept, keptOf, methodOf, refundOf, refundable, stateOf } from './sandbox-state.ts'

/** What the sandbox stands on. */
export type SandboxParts = {
  readonly sql: Sql
  readonly outbox: Outbox
  readonly clock: Clock
  /** Signs its webhooks. */
  readonly secret: string
}

/** What a call has come to, what is to be kept of it, and what is sent about it. */
type Outcome<T> = { answer: T; kept?: Kept; jobs?: readonly Job[]; unknown?: boolean }

/** A provider that takes no money. What it does follows from the name of the way to pay, as
 *  `SANDBOX_METHODS` has it; what it was asked is kept, as a real one would. */
export function createSandbox(parts: SandboxParts): PaymentProvider {
  const { clock } = parts
  const now = () => clock.now().getTime()
  return {
    name: 'sandbox',
    authorize: (wish) =>
      run(parts, keptOf(wish, now()).reference, (known) => authorized(known, keptOf(wish, now()))),
    capture: ({ reference, amount }) =>
      run(parts, reference, (known) => captured(required(known, reference), amount, now())),
    void: ({ reference }) =>
      run(parts, reference, (known) => voided(required(known, reference), now())),
    refund: ({ reference, key, amount }) =>
      run(parts, reference, (known) =>
        refunded(required(known, reference), { key, amount, madeAt: now() }),
      ),
    async fetch(reference) {
      const kept = await read(parts.sql, reference)
      return kept && !kept.lost ? stateOf(kept, now()) : undefined
    },
    readWebhook: (request) => readEvent(request, parts),
  }
}

function authorized(known: Kept | undefined, wish: Kept): Outcome<Payment> {
  if (known && !known.lost) {
    if (known.amount !== wish.amount || known.currency !== wish.currency)
      throw new ProviderRefused('KeyReused', 'This key was used for another payment.')
    return { answer: stateOf(known, wish.madeAt) }
  }
  const kept = known ? { ...wish, lost: false } : wish
  const answer = stateOf(kept, wish.madeAt)
  if (kept.lost) return { answer, kept, unknown: true }
  const told = kept.capture ? ['payment.authorized', 'payment.captured'] : ['payment.authorized']
  const isSettled = methodOf(kept.method).declines !== 'payment'
  const jobs = eventsOf(kept, 'made', ...(isSettled ? told : ['payment.declined']))
  return { answer, kept, jobs, unknown: methodOf(kept.method).unknown === 'payment' }
}

function captured(known: Kept, amount = known.amount, now = 0): Outcome<Payment> {
  const { status } = stateOf(known, now)
  if (status === 'captured' && (known.captured ?? known.amount) === amount)
    return { answer: stateOf(known, now) }
  if (status !== 'authorized') throw wrongState('captured', status)
  if (amount > known.amount) throw tooLarge('captured', known.amount)
  const { declines, unknown } = methodOf(known.method)
  if (declines === 'capture')
    throw new ProviderRefused('Declined', 'The bank does not hand out the amount.')
  const kept = { ...known, captured: amount }
  const jobs = eventsOf(kept, 'captured', 'payment.captured')
  return { answer: stateOf(kept, now), kept, jobs, unknown: unknown === 'capture' }
}

function voided(known: Kept, now: number): Outcome<Payment> {
  const state = stateOf(known, now)
  if (state.status === 'voided' || state.status === 'declined') return { answer: state }
  if (state.status === 'captured') throw wrongState('voided', state.status)
  const kept = { ...known, voided: true }
  return { answer: stateOf(kept, now), kept, jobs: eventsOf(kept, 'voided', 'payment.voided') }
}

function refunded(known: Kept, wish: Kept['refunds'][number]) {
  const now = wish.madeAt
  const before = known.refunds.find(({ key }) => key === wish.key)
  if (before && before.amount !== wish.amount)
    throw new ProviderRefused('KeyReused', 'This key was used for another refund.')
  if (before) return { answer: refundOf(known, before, now) }
  const { status } = stateOf(known, now)
  if (status !== 'captured') throw wrongState('refunded', status)
  const left = refundable(known, now)
  if (wish.amount > left) throw tooLarge('given back', left)
  const kept = { ...known, refunds: [...known.refunds, wish] }
  const jobs = eventsOf(kept, `refund ${wish.key}`, 'refund.updated')
  const unknown = methodOf(known.method).unknown === 'refund'
  return { answer: refundOf(kept, wish, now), kept, jobs, unknown }
}

/** Does one thing to a payment at a time. What is not told has been done all the same. */
async function run<T>(
  { outbox, clock }: SandboxParts,
  reference: string,
  decide: (known: Kept | undefined) => Outcome<T>,
): Promise<T> {
  const { answer, unknown } = await outbox.transact(async (tx, queue) => {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [reference])
    const outcome = decide(await read(tx, reference))
    if (outcome.kept) await tx.query(KEEP, [reference, JSON.stringify(outcome.kept), clock.now()])
    for (const job of outcome.jobs ?? []) await queue(job)
    return outcome
  })
  if (unknown) throw new OutcomeUnknown('The sandbox does not say whether it was done.')
  return answer
}

async function read(sql: Sql, reference: string): Promise<Kept | undefined> {
  const { rows } = await sql.query<{ payment: Kept }>(
    'select payment from node."sandboxPayment" where reference = $1',
    [reference],
  )
  return rows[0]?.payment
}

const KEEP = `insert into node."sandboxPayment" (reference, payment, "createdAt")
  values ($1, $2, $3) on conflict (reference) do update set payment = excluded.payment`

function required(kept: Kept | undefined, reference: string): Kept {
  if (kept && !kept.lost) return kept
  throw new ProviderRefused('NotFound', `There is no payment ${reference}.`)
}

function wrongState(done: string, status: string): ProviderRefused {
  return new ProviderRefused('WrongState', `A ${status} payment cannot be ${done}.`)
}

function tooLarge(done: string, left: number): ProviderRefused {
  return new ProviderRefused('AmountTooLarge', `At most ${left} can be ${done}.`)
}
