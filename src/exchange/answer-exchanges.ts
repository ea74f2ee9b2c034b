import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Certificate } from '../tokens/certificate.ts'
import type { Driven } from '../tokens/drive-transfer.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import { type Refusal, isRefusal } from '../tokens/refusal.ts'
import type { TokenCrypto, TokenSigner } from '../tokens/token-crypto.ts'
import { type Transfer, transferRkey } from '../tokens/transfer.ts'
import { type AccountState } from './agreed-state.ts'
import { type AnswerBook, type ListOwn, type OwnBook, answerBook } from './answer-book.ts'
import { type Answer, answerRecord } from './answer-record.ts'

/** What answering needs of the node. */
export type ExchangeParts = {
  readonly crypto: TokenCrypto
  /** Accounts of this node that have given quotes. */
  providers(): Promise<readonly string[]>
  /** What is to be done about certified payments to a provider, oldest first. */
  dues(provider: string): Promise<readonly Answer[]>
  /** The newest epoch of a ledger; undefined for one that is not known now. */
  epoch(ledger: string): Promise<ReadEpoch | undefined>
  /** How an account stands in that epoch; undefined while that cannot be known. */
  state(at: ReadEpoch, account: string): Promise<AccountState | undefined>
  readonly own: ListOwn
  /** Writes a record over what is void, or where nothing stands; throws if something does. */
  write(account: string, rkey: string, record: Transfer, over: 'void' | 'nothing'): Promise<void>
  certify(at: ReadEpoch, account: string, rkey: string): Promise<Driven | Refusal | undefined>
  publish(code: string, certificate: Certificate): Promise<void>
  /** The device key that the account has given to this node; undefined where it has none. Throws
   *  for an account that keeps its key elsewhere. */
  signer(account: string): Promise<TokenSigner | undefined>
  readonly timers: Timers
  readonly log: Log
}

const EVERY_MS = 2_000

/**
 * Answers payments to liquidity providers of this node, until `signal`: delivers what a quote
 * promises, and gives back what does not take it or was not delivered in time. Each payment is
 * answered once, also by a node that is killed at any moment: an answer is the next transfer in the
 * provider's own repo, and no other is written before that one counts, or is void for good.
 */
export async function answerExchanges(parts: ExchangeParts, signal: AbortSignal): Promise<void> {
  const answerAll = exchangeRound(parts)
  while (!signal.aborted) {
    await answerAll(signal)
    await parts.timers.sleep(EVERY_MS, signal)
  }
}

/** One round over all providers; what it has found out of repos is kept between rounds. */
export function exchangeRound(parts: ExchangeParts): (signal?: AbortSignal) => Promise<void> {
  const books = new Map<string, AnswerBook>()
  return async (signal) => {
    const providers = await parts.providers().catch((err: unknown) => {
      parts.log.warn({ err }, 'who has given quotes is not known now')
      return []
    })
    for (const provider of providers) {
      if (signal?.aborted) return
      await answerFor(parts, books, provider).catch((err: unknown) =>
        parts.log.warn({ err, provider }, 'payments to a provider could not be answered'),
      )
    }
  }
}

/** A ledger as a provider stands on it. */
type Place = {
  readonly at: ReadEpoch
  state: AccountState
  book: OwnBook
  readonly read: () => Promise<OwnBook>
  stuck: boolean
}

async function answerFor(
  parts: ExchangeParts,
  books: Map<string, AnswerBook>,
  provider: string,
): Promise<void> {
  const dues = await parts.dues(provider)
  if (dues.length === 0) return
  const places = new Map<string, Place>()
  for (const ledger of new Set(dues.flatMap(({ ledgers }) => ledgers))) {
    const place = await placeOn(parts, books, provider, ledger)
    if (place) places.set(ledger, place)
  }
  const codes = new Map<string, string>()
  for (const [ledger, { at }] of places) {
    const other = codes.get(at.epoch.code)
    // Their transfers would stand under the same keys.
    if (other !== undefined) throw new Error(`${ledger} and ${other} are both ${at.epoch.code}`)
    codes.set(at.epoch.code, ledger)
  }
  for (const place of places.values()) await finish(parts, provider, place)
  for (const due of dues) {
    const both = due.ledgers.map((ledger) => places.get(ledger))
    const place = places.get(due.ledger)
    // On a ledger that is not reached now it may be answered already.
    if (!place || both.some((one) => !one) || place.stuck) continue
    const isDone = both.some((one) => one!.book.isAnswered(due.paid.uri, one!.at.epoch.epoch))
    if (isDone || place.state.balance < due.amount) continue
    await answer(parts, provider, place, due)
  }
}

async function placeOn(
  parts: ExchangeParts,
  books: Map<string, AnswerBook>,
  provider: string,
  ledger: string,
): Promise<Place | undefined> {
  const at = await parts.epoch(ledger)
  const state = at && (await parts.state(at, provider))
  if (!at || !state) return undefined
  const name = `${provider} ${ledger}`
  const kept = books.get(name) ?? answerBook(parts.own, provider, at.epoch.code)
  books.set(name, kept)
  const place: Place = {
    at,
    state,
    book: await kept.read(state.seq),
    read: () => kept.read(place.state.seq),
    stuck: false,
  }
  return place
}

/** Has certified what was written before and does not count yet. */
async function finish(parts: ExchangeParts, provider: string, place: Place): Promise<void> {
  const written = place.book.at(place.state.seq + 1)
  if (!written || written.epoch < place.at.epoch.epoch) return
  // How the account stands after it is known in the next round.
  place.stuck = true
  await certify(parts, provider, place, written.rkey)
}

async function answer(
  parts: ExchangeParts,
  provider: string,
  place: Place,
  due: Answer,
): Promise<void> {
  const { crypto, timers } = parts
  const { at, state } = place
  const now = timers.now().toISOString()
  const signer = await parts.signer(provider)
  const of = { account: provider, answer: due, at, state, now, signer }
  const { record, id } = answerRecord(crypto, of)
  const rkey = transferRkey(at.epoch.code, record.seq)
  const over = place.book.at(record.seq) ? 'void' : 'nothing'
  await parts.write(provider, rkey, record, over)
  const isFinal = await certify(parts, provider, place, rkey)
  if (isFinal) {
    place.state = { seq: record.seq, head: id, balance: state.balance - due.amount }
    place.book = await place.read()
  } else place.stuck = true
}

async function certify(
  parts: ExchangeParts,
  provider: string,
  { at }: Place,
  rkey: string,
): Promise<boolean> {
  const driven = await parts.certify(at, provider, rkey)
  if (driven && !isRefusal(driven) && driven.status === 'final') {
    await parts.publish(at.epoch.code, driven.apply)
    return true
  }
  const { log } = parts
  log.info({ provider, rkey, ...driven }, 'the answer to a payment does not count yet')
  return false
}
