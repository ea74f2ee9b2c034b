import { checkCertificate, readCertificate } from '../tokens/certificate.ts'
import type { CertifiedBytes } from '../tokens/drive-transfer.ts'
import type { Handover } from '../tokens/epoch.ts'
import type { Ending, SealedSet } from '../tokens/handover.ts'
import { type Refusal, isRefusal, refuse } from '../tokens/refusal.ts'
import { readSeal } from '../tokens/seal.ts'
import type { Settled } from '../tokens/state-root.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { type ReadTransfer, readTransfer } from '../tokens/transfer.ts'
import { openingAccounts } from './epoch-books.ts'
import type { OpenedValidator } from './open-validator.ts'

/** Where seals and certificates of other validators are fetched. */
export type SealSource = {
  seal(
    validator: string,
    epoch: number,
  ): Promise<{ readonly record: Uint8Array; readonly transfers: readonly Settled[] } | undefined>
  certificate(validator: string, settled: Settled): Promise<CertifiedBytes | undefined>
}

/** What the end of an epoch is computed with. */
export type Closing = {
  readonly opened: OpenedValidator
  readonly crypto: TokenCrypto
  readonly source: SealSource
  readonly now: () => string
}

/** Everything that the end of the current epoch follows from, by the seals named: the accounts it
 *  has begun with, and each certified transfer under the seals. */
export async function endingBy(
  closing: Closing,
  named: Handover['seals'],
): Promise<Ending | Refusal> {
  const { validator, books } = closing.opened
  const { epoch, committee, phase } = validator.current()
  if (phase !== 'sealed') return refuse('EpochOpen', `epoch ${epoch.epoch} is not sealed yet`)
  const seals = await gatherSeals(closing, named)
  if (isRefusal(seals)) return seals
  const union = await gatherUnion(closing, seals)
  const opening = await openingAccounts(books.sql, books.ledger)
  return { epoch, committee, opening, seals, certified: (id) => union.get(id) }
}

/** The seals that the next epoch names, the own one from the books. */
async function gatherSeals(
  { opened, crypto, source }: Closing,
  named: Handover['seals'],
): Promise<SealedSet[] | Refusal> {
  const { committee } = opened.validator.current()
  const seals: SealedSet[] = []
  for (const { validator } of named) {
    const found = await source.seal(validator, committee.epoch)
    if (!found) return refuse('WrongSeal', `the seal of ${validator} is not to be had`)
    const read = readSeal(crypto, found.record, committee)
    if (isRefusal(read)) return read
    seals.push({ seal: read.seal, cid: read.cid, transfers: found.transfers })
  }
  return seals
}

/** The certified transfers of seals by their ids: own ones, and those only others have. */
async function gatherUnion(
  { opened, crypto, source }: Closing,
  seals: readonly SealedSet[],
): Promise<Map<string, ReadTransfer>> {
  const { validator, store } = opened
  const { committee } = validator.current()
  const union = new Map<string, ReadTransfer>()
  for (const { account, record, id } of (await store.everything()).applied) {
    const read = readTransfer(crypto, account, record)
    if (!isRefusal(read)) union.set(id, read)
  }
  for (const { seal, transfers } of seals) {
    for (const one of transfers) {
      if (union.has(one.transfer)) continue
      const found = await source.certificate(seal.validator, one)
      const read = found && readTransfer(crypto, found.account, found.record)
      const certificate = found && readCertificate(found.certificate)
      if (!read || !certificate || isRefusal(read) || isRefusal(certificate)) continue
      const { phase, transfer } = certificate.certificate
      const isGood = !isRefusal(checkCertificate(crypto, certificate.certificate, committee))
      if (isGood && phase === 'lock' && transfer === read.id) union.set(read.id, read)
    }
  }
  return union
}
