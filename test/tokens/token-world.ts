import type { Write } from '../../src/appview/index-record.ts'
import { nativeCrypto as crypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import type { Account } from '../../src/tokens/account.ts'
import { type Phase, attest } from '../../src/tokens/attestation.ts'
import { CERTIFICATE, type Certificate, assemble } from '../../src/tokens/certificate.ts'
import { cidOfBytes, encodeRecord } from '../../src/tokens/encoding.ts'
import { EPOCH, type Epoch, type ReadEpoch, readEpoch, signEpoch } from '../../src/tokens/epoch.ts'
import type { Grant } from '../../src/tokens/grants.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { openEpoch, settleEpoch } from '../../src/tokens/settle.ts'
import {
  type ReadTransfer,
  TRANSFER,
  type Transfer,
  readTransfer,
  signSpend,
} from '../../src/tokens/transfer.ts'
import { rev } from '../record.ts'
import { GOVERNANCE, NOON, type Payer, didOf, firstEpoch } from './town.ts'

/** A transfer with the writes that its record and its certificates are. */
export type Paid = {
  readonly read: ReadTransfer
  readonly uri: string
  readonly record: Write
  readonly lock: Write
  readonly apply: Write
}

/** A ledger whose records are made as validators make them, ready to be put into views. */
export class TokenWorld {
  readonly signers = ['validatora', 'validatorb', 'validatorc', 'validatord'].map((name) => ({
    did: didOf(name),
    signer: p256Signer(),
  }))
  readonly epochs: ReadEpoch[] = []
  readonly epochWrites: Write[] = []
  /** What was paid in each epoch. */
  readonly paid: Paid[][] = []
  accounts: ReadonlyMap<string, Account> = new Map()
  #opening: ReadonlyMap<string, Account> = new Map()
  #n = 0

  constructor(grants: readonly Grant[]) {
    this.#open(firstEpoch(this.#validators(), grants))
  }

  get genesis(): string {
    return this.epochs[0]!.id
  }

  /** When something that happens in minute `n` happens. */
  static time(n: number): string {
    return new Date(Date.parse(NOON) + n * 60_000).toISOString()
  }

  /** A transfer that the committee has certified. */
  pay(from: Payer, credits: Transfer['credits'], more: Partial<Transfer> = {}): Paid {
    const at = this.epochs.at(-1)!
    const account = this.accounts.get(from.did)
    const bare: Transfer = {
      $type: TRANSFER,
      ledger: this.genesis,
      epoch: at.epoch.epoch,
      seq: (account?.seq ?? 0) + 1,
      ...(account?.head !== undefined && { prev: account.head }),
      kind: 'peer_recognition',
      credits,
      createdAt: TokenWorld.time(this.#n),
      signatures: [],
      ...more,
    }
    const signatures = [signSpend(from.signer, readOf(from.did, bare).id)]
    const read = readOf(from.did, { ...bare, signatures })
    const rkey = `at.${String(bare.seq).padStart(12, '0')}`
    const record = this.write(from.did, TRANSFER, rkey, read.transfer)
    const uri = `at://${from.did}/${TRANSFER}/${rkey}`
    const certified = (phase: Phase) => {
      const key = `at.${from.did.slice(8, 13)}.${bare.epoch}.${bare.seq}.${phase}.${read.id.slice(-5)}`
      const certificate = this.certify(read, phase, from.signer.didKey)
      return this.write(this.signers[0]!.did, CERTIFICATE, key, certificate)
    }
    const paid = { read, uri, record, lock: certified('lock'), apply: certified('apply') }
    this.paid.at(-1)!.push(paid)
    this.#carry()
    return paid
  }

  /** A certificate of these validators' signatures; by all but one unless said. */
  certify(
    { account, id, transfer }: ReadTransfer,
    phase: Phase,
    senderKey: string,
    by = this.signers.slice(0, 3),
  ): Certificate {
    const { ledger, epoch, seq, prev } = transfer
    const committee = this.epochs[epoch]!.id
    const before = prev === undefined ? {} : { prev }
    const about = { phase, ledger, epoch, committee, account, seq, ...before, transfer: id }
    const observedAt = TokenWorld.time((this.#n += 1))
    return assemble(
      about,
      by.map(({ did, signer }) =>
        attest(crypto, signer, about, { validator: did, senderKey, observedAt }),
      ),
    )
  }

  /** Ends the epoch with what was paid in it, and begins the next. */
  end(grants: readonly Grant[], more: Partial<Epoch> = {}): void {
    const at = this.epochs.at(-1)!
    const outcome = this.#outcome()
    this.accounts = outcome.accounts
    const next = firstEpoch(this.#validators(), grants, {
      epoch: at.epoch.epoch + 1,
      ledger: this.genesis,
      prev: at.id,
      handover: {
        seals: this.signers.slice(0, 3).map(({ did }) => ({ validator: did, cid: at.id })),
        ...outcome.roots,
      },
      createdAt: TokenWorld.time((this.#n += 60)),
      ...more,
    })
    const { id } = epochOf(next)
    const signatures = this.signers.slice(0, 3).map(({ did, signer }) => signEpoch(signer, did, id))
    this.#open({ ...next, signatures })
  }

  /** The write that a commit with this record would bring. */
  write(did: string, collection: string, rkey: string, record: object): Write {
    const bytes = encodeRecord(record)
    const cid = cidOfBytes(crypto, bytes)
    return { did, collection, rkey, rev: rev(2), cid, bytes }
  }

  #validators() {
    return this.signers.map(({ did, signer }) => ({ did, key: signer.didKey }))
  }

  #open(epoch: Epoch): void {
    this.epochs.push(epochOf(epoch))
    this.epochWrites.push(this.write(GOVERNANCE, EPOCH, `at.${epoch.epoch}`, epoch))
    this.paid.push([])
    this.#opening = openEpoch(this.accounts.values(), epoch.grants)
    this.accounts = this.#opening
  }

  /** The accounts as a validator that has applied all has them. */
  #carry(): void {
    const grants = this.epochs.at(-1)!.epoch.grants.filter(({ to }) => to !== undefined)
    this.accounts = this.#outcome(grants).accounts
  }

  #outcome(grants = this.epochs.at(-1)!.epoch.grants) {
    const transfers = this.paid.at(-1)!.map(({ read }) => read)
    const outcome = settleEpoch(crypto, this.#opening, grants, transfers)
    if (isRefusal(outcome)) throw new Error(`${outcome.reason}: ${outcome.detail}`)
    return outcome
  }
}

function readOf(account: string, transfer: Transfer): ReadTransfer {
  const read = readTransfer(crypto, account, encodeRecord(transfer))
  if (isRefusal(read)) throw new Error(`${read.reason}: ${read.detail}`)
  return read
}

function epochOf(epoch: Epoch): ReadEpoch {
  const read = readEpoch(crypto, encodeRecord(epoch))
  if (isRefusal(read)) throw new Error(`${read.reason}: ${read.detail}`)
  return read
}
