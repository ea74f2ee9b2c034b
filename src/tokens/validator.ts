import { decideCertificate } from './apply.ts'
import { type Attestation, type Observed, type Subject, attest, makeBatch } from './attestation.ts'
import { type Certificate, checkCertificate } from './certificate.ts'
import { groupQueue } from './group-queue.ts'
import type { KeptBatch, LedgerStore, Touched } from './ledger-store.ts'
import type { Applied, Change, CurrentEpoch, Order, Vote } from './ledger-view.ts'
import { overlay } from './overlay.ts'
import { ImpossibleStep, type Refusal, isRefusal, refuse } from './refusal.ts'
import { type SeenSignatures, seenSignatures } from './seen-signatures.ts'
import { decideOrder } from './submit.ts'
import type { TokenCrypto, TokenSigner } from './token-crypto.ts'
import type { ReadTransfer } from './transfer.ts'

/** What a validator answers: its attestation, or no. An order that is applied already is answered
 *  with what was applied. */
export type Answer =
  | { readonly ok: true; readonly about: Subject; readonly attestation: Attestation }
  | { readonly ok: true; readonly applied: Applied }
  | Refusal

/** A validator of one ledger. */
export type Validator = {
  /** Votes for an order whose proofs were checked. */
  submit(order: Order): Promise<Answer>
  /** Applies a transfer on a certificate of locks, and attests that it has. */
  apply(transfer: ReadTransfer, certificate: Certificate): Promise<Answer>
  /** The epoch it is in. */
  current(): CurrentEpoch
  /** Goes on in another phase or epoch, once what is under way is done. */
  turn(change: (current: CurrentEpoch) => Promise<CurrentEpoch>): Promise<void>
}

export type ValidatorParts = {
  readonly did: string
  readonly crypto: TokenCrypto
  readonly signer: TokenSigner
  readonly store: LedgerStore
  readonly now: () => string
  readonly current: CurrentEpoch
  /** Signs all attestations of a group at once, by one signature over their tree. */
  readonly batched?: boolean
}

type Task = {
  readonly touched: Touched
  decide(view: Parameters<typeof decideOrder>[1], now: string): Decided
  answer(answer: Answer): void
  fail(error: unknown): void
}
type Decided = {
  readonly changes: readonly Change[]
  readonly answer: { ok: true; vote: Vote } | { ok: true; applied: Applied } | Refusal
}

/** Most decisions that are stored with one commit. */
const GROUP_MAX = 256

/**
 * Runs a validator on a store. Decisions that come at once are stored together; nothing is signed
 * before all steps it rests on are durable. A step that must not happen ends the validator: it
 * signs nothing any more, and every call fails with what was found.
 */
export function createValidator(parts: ValidatorParts): Validator {
  const seen = seenSignatures()
  let current = parts.current
  let halted: unknown
  const queue = groupQueue<Task>(GROUP_MAX, async (group) => {
    try {
      if (halted !== undefined) throw halted
      await settleGroup(parts, current, seen, group)
    } catch (error) {
      // What could not be stored was not signed, and may be asked for again.
      if (error instanceof ImpossibleStep) halted = error
      for (const task of group) task.fail(error)
    }
  })
  const enqueue = (task: Omit<Task, 'answer' | 'fail'>): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    queue.add({ ...task, answer: resolve, fail: reject })
    return promise
  }
  return {
    current: () => current,
    submit: (order) =>
      enqueue({
        touched: touchedByTransfer(order),
        decide: (view, at) => decideOrder(parts.crypto, view, order, at),
      }),
    async apply(transfer, certificate) {
      const { committee } = current
      const good = checkCertificate(parts.crypto, certificate, committee, seen)
      if (isRefusal(good)) return good
      const proven = { transfer, certificate, senderKey: good.senderKey }
      return await enqueue({
        touched: touchedByTransfer(transfer),
        decide: (view, at) =>
          view.current.committee.id === committee.id
            ? decideCertificate(view, proven, at)
            : { changes: [], answer: refuse('WrongEpoch', 'the epoch has changed meanwhile') },
      })
    },
    turn: (change) =>
      queue.alone(async () => {
        current = await change(current)
      }),
  }
}

/** Decides a group, stores its steps, and only then signs and answers. */
async function settleGroup(
  parts: ValidatorParts,
  current: CurrentEpoch,
  seen: SeenSignatures,
  group: readonly Task[],
): Promise<void> {
  const base = await parts.store.load(touchedBy(group, current))
  const view = overlay({ ...base, current })
  const at = parts.now()
  const decided = group.map((task) => {
    const decision = task.decide(view, at)
    view.take(decision.changes)
    return decision
  })
  const signing = await prepareSigning(parts, current, decided)
  const changes = decided.flatMap((one) => one.changes)
  if (changes.length + signing.changes.length > 0) {
    await parts.store.commit([...changes, ...signing.changes])
  }
  const attested = signing.sign()
  for (const [index, task] of group.entries()) {
    const { answer } = decided[index]!
    const made = attested.get(index)
    if (made) {
      seen.signed(made.about, made.attestation)
      task.answer({ ok: true, ...made })
    } else task.answer(answer as Exclude<typeof answer, { vote: Vote }>)
  }
}

/** What is signed for a group, and the steps to store before. */
async function prepareSigning(
  { batched, crypto, signer, did, store }: ValidatorParts,
  { committee }: CurrentEpoch,
  decided: readonly Decided[],
) {
  const due = decided.flatMap(({ answer }, index) => {
    if (isRefusal(answer) || !('vote' in answer)) return []
    const { phase, account, seq, prev, id, senderKey, observedAt } = answer.vote
    const { ledger, epoch, id: named } = committee
    const before = prev === undefined ? {} : { prev }
    const rest = { committee: named, account, seq, ...before, transfer: id }
    const about: Subject = { phase, ledger, epoch, ...rest }
    const by: Observed = { validator: did, senderKey, observedAt }
    return [{ index, about, by }]
  })
  type Made = { about: Subject; attestation: Attestation }
  if (!batched || due.length < 2) {
    const sign = () =>
      new Map<number, Made>(
        due.map(({ index, about, by }) => [
          index,
          { about, attestation: attest(crypto, signer, about, by) },
        ]),
      )
    return { changes: [], sign }
  }
  const last = await store.lastBatch()
  const number = (last?.number ?? 0) + 1
  const chain = last ? { number, previous: last.id } : { number }
  const batch = makeBatch(crypto, chain, due)
  const kept: KeptBatch = { change: 'batch', head: batch.head, id: batch.id }
  const sign = () => {
    const { attestations } = batch.sign(signer)
    return new Map<number, Made>(
      due.map(({ index, about }, at) => [index, { about, attestation: attestations[at]! }]),
    )
  }
  return { changes: [kept], sign }
}

function touchedByTransfer({ account, transfer }: ReadTransfer): Touched {
  const receivers = transfer.credits.map(({ to }) => to)
  return {
    accounts: [account, ...receivers],
    numbers: [{ account, seq: transfer.seq }],
    mints: receivers.map((receiver) => ({ pool: account, receiver })),
  }
}

function touchedBy(group: readonly Task[], { pools }: CurrentEpoch): Touched {
  return {
    accounts: [...new Set(group.flatMap(({ touched }) => touched.accounts))],
    numbers: group.flatMap(({ touched }) => touched.numbers),
    // Of all others nothing was minted.
    mints: group.flatMap(({ touched }) => touched.mints.filter(({ pool }) => pools.has(pool))),
  }
}
