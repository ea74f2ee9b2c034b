import {
  type EpochSignature,
  type Handover,
  type ReadEpoch,
  checkSuccession,
  committeeOf,
  signEpoch,
} from '../tokens/epoch.ts'
import { type SealedSet, checkHandover, concludeEpoch } from '../tokens/handover.ts'
import type { Applied, EpochPhase } from '../tokens/ledger-view.ts'
import { type Refusal, isRefusal, refuse } from '../tokens/refusal.ts'
import { readSeal, sealEpoch } from '../tokens/seal.ts'
import { type Outcome, openEpoch } from '../tokens/settle.ts'
import type { Settled } from '../tokens/state-root.ts'
import { type Closing, endingBy } from './ending.ts'
import { keepEpoch, keepPhase, keepSeal, promiseHandover, storedSeal } from './epoch-books.ts'
import { readApplied } from './load-view.ts'
import { enteredEpoch, pinnedPersons } from './open-validator.ts'
import { participationOf } from './participation.ts'

/** The end of an epoch at one validator: it drains, seals, signs one handover, and goes over. */
export type EpochChange = {
  /** No new votes from now on; what is certified is still applied. */
  drain(epoch: number): Promise<void>
  /** Nothing new is signed from now on. Answers the seal, the same each time. */
  seal(epoch: number): Promise<SealedSet | undefined>
  /** The own seal of an epoch. */
  sealed(epoch: number): Promise<SealedSet | undefined>
  /** What the epoch comes to by these seals. */
  conclude(seals: Handover['seals']): Promise<Outcome | Refusal>
  /** Signs that the next epoch follows from the seals it names; one next epoch and no other, and
   *  none that pins a snapshot of persons which is not here and sound. */
  sign(
    next: ReadEpoch,
    personhood?: Uint8Array,
  ): Promise<{ ok: true; signature: EpochSignature } | Refusal>
  /** Goes over to an epoch that a quorum has signed. Who is not of it any more stays where it is,
   *  sealed, with all that the epoch has come to in its books. */
  enter(next: ReadEpoch, personhood?: Uint8Array): Promise<{ ok: true } | Refusal>
}

/** The end of epochs at a validator, on its books. */
export function epochChange(closing: Closing): EpochChange {
  let left: string | undefined
  return {
    drain: (epoch) => drain(closing, epoch),
    seal: (epoch) => sealNow(closing, epoch),
    sealed: (epoch) => sealedSet(closing, epoch),
    async conclude(seals) {
      const ending = await endingBy(closing, seals)
      return isRefusal(ending) ? ending : concludeEpoch(closing.crypto, ending)
    },
    sign: (next, personhood) => signNext(closing, next, personhood),
    async enter(next, personhood) {
      if (next.id === left) return { ok: true }
      const entered = await enterNext(closing, next, personhood)
      const current = closing.opened.validator.current()
      if (entered.ok && current.committee.id !== next.id) left = next.id
      return entered
    },
  }
}

function drain({ opened }: Closing, epoch: number): Promise<void> {
  return opened.validator.turn(async (current) => {
    if (current.committee.epoch !== epoch || current.phase !== 'open') return current
    await keepPhase(opened.books, 'draining')
    return { ...current, phase: 'draining' }
  })
}

/** A request that comes late seals no epoch after the one it names. */
async function sealNow(closing: Closing, epoch: number): Promise<SealedSet | undefined> {
  const { opened, crypto, now } = closing
  const { validator, store, books, did, signer } = opened
  await validator.turn(async (current) => {
    const { committee } = current
    if (committee.epoch !== epoch || current.phase === 'sealed') return current
    const { applied } = await store.everything()
    const participation = participationOf(applied, committee)
    const transfers = applied.map(settledOf)
    const content = { committee, validator: did, transfers, participation, now: now() }
    await keepSeal(books, sealEpoch(crypto, signer, content))
    const phase: EpochPhase = 'sealed'
    return { ...current, phase }
  })
  return sealedSet(closing, epoch)
}

async function sealedSet(closing: Closing, epoch: number): Promise<SealedSet | undefined> {
  const { opened, crypto } = closing
  const { sql, ledger } = opened.books
  const record = await storedSeal(sql, ledger, { epoch, validator: opened.did })
  if (!record) return undefined
  const applied = await readApplied(sql, ledger, epoch)
  const read = readSeal(crypto, record, await committeeAt(closing, epoch))
  if (isRefusal(read)) throw new Error(`the own seal is ${read.reason}: ${read.detail}`)
  return { ...read, transfers: applied.map(settledOf) }
}

/** What the epoch comes to, if the next one says so. */
async function outcomeOf(closing: Closing, next: ReadEpoch): Promise<Outcome | Refusal> {
  const ending = await endingBy(closing, next.epoch.handover?.seals ?? [])
  return isRefusal(ending) ? ending : checkHandover(closing.crypto, ending, next)
}

async function signNext(
  closing: Closing,
  next: ReadEpoch,
  personhood: Uint8Array | undefined,
): Promise<{ ok: true; signature: EpochSignature } | Refusal> {
  const { books, signer, did } = closing.opened
  // Nobody could enter an epoch whose snapshot is kept back, and the signature is for one only.
  const persons = pinnedPersons(closing.crypto, next.epoch, personhood)
  if (isRefusal(persons)) return persons
  const outcome = await outcomeOf(closing, next)
  if (isRefusal(outcome)) return outcome
  const promised = await promiseHandover(books, next.epoch.epoch - 1, next.id)
  return promised === next.id
    ? { ok: true, signature: signEpoch(signer, did, next.id) }
    : refuse('Equivocation', `the end of the epoch is promised to ${promised}`)
}

async function enterNext(
  closing: Closing,
  next: ReadEpoch,
  personhood: Uint8Array | undefined,
): Promise<{ ok: true } | Refusal> {
  const { opened, crypto } = closing
  const { validator, books, store } = opened
  const { epoch, committee } = validator.current()
  if (next.id === committee.id) return { ok: true }
  const stray = checkSuccession(crypto, { epoch, id: committee.id }, next)
  if (stray) return stray
  const persons = pinnedPersons(crypto, next.epoch, personhood)
  if (isRefusal(persons)) return persons
  await sealNow(closing, epoch.epoch)
  const outcome = await outcomeOf(closing, next)
  if (isRefusal(outcome)) return outcome
  const { didKey } = opened.signer
  if (!next.epoch.validators.some(({ key }) => key === didKey)) {
    await keepEpoch(books, next, outcome.settled, personhood)
    return { ok: true }
  }
  await validator.turn(async (current) => {
    // Two that bring the same epoch at once enter it once.
    if (current.committee.id !== committee.id) return current
    await keepEpoch(books, next, outcome.settled, personhood)
    const entered = enteredEpoch(next, 'open', persons)
    await store.enter(entered, openEpoch(outcome.accounts.values(), next.epoch.grants))
    return entered
  })
  return { ok: true }
}

/** The committee of the current epoch, or of one that was closed. */
async function committeeAt({ opened, crypto }: Closing, epoch: number) {
  const { committee } = opened.validator.current()
  if (committee.epoch === epoch) return committee
  const read = await opened.epochAt(crypto, epoch)
  if (!read) throw new Error(`epoch ${epoch} is not in the books`)
  return committeeOf(read)
}

function settledOf({ account, seq, id }: Applied): Settled {
  return { account, seq, transfer: id }
}
