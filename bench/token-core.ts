import { committeeOf } from '../src/tokens/epoch.ts'
import { checkOrder } from '../src/tokens/check-order.ts'
import { type Certificate, assemble, readCertificate } from '../src/tokens/certificate.ts'
import { encodeRecord } from '../src/tokens/encoding.ts'
import type { Grant } from '../src/tokens/grants.ts'
import type { Order } from '../src/tokens/ledger-view.ts'
import { type Refusal, isRefusal } from '../src/tokens/refusal.ts'
import { readTransfer } from '../src/tokens/transfer.ts'
import type { Answer } from '../src/tokens/validator.ts'
import {
  type Member,
  type Payer,
  type Town,
  attested,
  foundTown,
  orderOf,
  payer,
} from '../test/tokens/town.ts'
import { lettersOf } from './token-spenders.ts'

/** CPU time of one validator by what it did, in µs: the order with its record read, the certificate
 *  checked and applied, and what reading that and the record again takes. */
export type CoreCost = {
  readonly order: number
  readonly certificate: number
  readonly reading: number
}

const ACCOUNTS = 256

/**
 * What one validator of `n` spends of CPU on certifying transfers: it checks the spend signature,
 * decides and signs the lock, then checks the certificate, applies and signs that. All signatures
 * are real and native, the keys of accounts known from a transfer before; the store is in memory.
 * What the other validators and the senders do is left out, as in FastPay's figures.
 */
export async function measureCore(
  n: number,
  batched: boolean,
  transfers: number,
): Promise<CoreCost> {
  const payers = Array.from({ length: ACCOUNTS }, (_, index) => payer(`p${lettersOf(index)}`))
  const grants: Grant[] = [{ kind: 'system_grant', amount: 1_000_000, to: payers[0]!.did }]
  const town = await foundTown(n, grants, { batched })
  fund(town, payers)
  const heads = payers.map((): string | undefined => undefined)
  const used = { order: 0, certificate: 0, reading: 0 }
  const rounds = Math.max(1, Math.ceil(transfers / ACCOUNTS))
  for (let seq = 1; seq <= rounds + 1; seq += 1) {
    const orders = payers.map((from, index) => {
      const to = payers[(index + 1) % ACCOUNTS]!.did
      const prev = heads[index]
      const before = prev === undefined ? {} : { prev }
      return orderOf(town, from, { seq, ...before, credits: [{ to, amount: 1_000 }] })
    })
    const cost = await certifyAll(town, orders)
    for (const [index, { id }] of orders.entries()) heads[index] = id
    if (seq === 1) continue
    used.order += cost.order
    used.certificate += cost.certificate
    used.reading += cost.reading
  }
  const each = 1 / (rounds * ACCOUNTS)
  return {
    order: used.order * each,
    certificate: used.certificate * each,
    reading: used.reading * each,
  }
}

/** Certifies orders with the whole town; answers what the first validator has used, in µs. */
async function certifyAll(town: Town, orders: readonly Order[]): Promise<CoreCost> {
  const [measured, ...others] = town.members
  const votes = await Promise.all(others.map((member) => submitAll(member, orders)))
  const begun = process.cpuUsage()
  const own = await Promise.all(
    orders.map((order) => measured!.validator.submit(checked(town, order))),
  )
  const locked = process.cpuUsage(begun)
  const certificates = orders.map((_, index) => certify(town, [own, ...votes], index))
  const records = certificates.map(encodeRecord)
  const opened = process.cpuUsage()
  const read = orders.map(({ account, bytes }, index) => ({
    transfer: good(readTransfer(town.crypto, account, bytes)),
    certificate: good(readCertificate(records[index]!)).certificate,
  }))
  const reading = process.cpuUsage(opened)
  const resumed = process.cpuUsage()
  const applied = await Promise.all(
    read.map(({ transfer, certificate }) => measured!.validator.apply(transfer, certificate)),
  )
  const done = process.cpuUsage(resumed)
  for (const answer of applied) attested(answer)
  for (const { validator } of others) {
    await Promise.all(orders.map((order, index) => validator.apply(order, certificates[index]!)))
  }
  const sum = ({ user, system }: NodeJS.CpuUsage) => user + system
  return { order: sum(locked), certificate: sum(done), reading: sum(reading) }
}

function submitAll({ validator }: Member, orders: readonly Order[]): Promise<Answer[]> {
  return Promise.all(orders.map((order) => validator.submit(order)))
}

/** Reads the order anew from its bytes and checks its signature, as if it had just come in. */
function checked(town: Town, { account, bytes, keys }: Order): Order {
  const submission = { account, record: bytes, car: new Uint8Array() }
  return good(checkOrder(town.crypto, submission, keys, () => undefined))
}

function good<T>(read: T | Refusal): T {
  if (isRefusal(read)) throw new Error(`${read.reason}: ${read.detail}`)
  return read
}

/** The first quorum of votes on a transfer. */
function certify(town: Town, votes: readonly Answer[][], index: number): Certificate {
  const { quorum } = committeeOf(town.genesis)
  const found = votes.slice(0, quorum).map((of) => attested(of[index]!))
  return assemble(
    found[0]!.about,
    found.map(({ attestation }) => attestation),
  )
}

/** Gives everybody something to spend, without a grant for each in the epoch. */
function fund({ members }: Town, payers: readonly Payer[]): void {
  for (const { store } of members) {
    for (const { did } of payers) {
      store.accounts.set(did, { did, seq: 0, balance: 1_000_000n, spent: 0n })
    }
  }
}
