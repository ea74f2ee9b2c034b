import { nativeCrypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import type { Attestation, Subject } from '../../src/tokens/attestation.ts'
import { type Certificate, assemble } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import {
  EPOCH,
  type Epoch,
  type ReadEpoch,
  committeeOf,
  readEpoch,
} from '../../src/tokens/epoch.ts'
import { type Grant, poolsOf } from '../../src/tokens/grants.ts'
import type { CurrentEpoch, Order } from '../../src/tokens/ledger-view.ts'
import { memoryStore } from '../../src/tokens/memory-store.ts'
import { quorumOf } from '../../src/tokens/quorum.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { openEpoch } from '../../src/tokens/settle.ts'
import type { TokenCrypto, TokenSigner } from '../../src/tokens/token-crypto.ts'
import {
  type ReadTransfer,
  TRANSFER,
  type Transfer,
  readTransfer,
  signSpend,
} from '../../src/tokens/transfer.ts'
import { type Answer, type Validator, createValidator } from '../../src/tokens/validator.ts'

export const NOON = '2026-11-28T12:00:00.000Z'
export const GOVERNANCE = didOf('governance')

/** A did:plc that reads as a name. */
export function didOf(name: string): string {
  const letters = name.toLowerCase().replaceAll(/[^a-z2-7]/g, '')
  return `did:plc:${letters.slice(0, 24).padEnd(24, '2')}`
}

export type Member = {
  readonly did: string
  readonly signer: TokenSigner
  readonly validator: Validator
  readonly store: ReturnType<typeof memoryStore>
}

/** A person with a device key. */
export type Payer = { readonly did: string; readonly signer: TokenSigner }

export type Town = {
  readonly genesis: ReadEpoch
  readonly members: readonly Member[]
  readonly crypto: TokenCrypto
  now: string
}

/** The record of a first epoch for these validators and grants. */
export function firstEpoch(
  validators: readonly { readonly did: string; readonly key: string }[],
  grants: readonly Grant[],
  more: Partial<Epoch> = {},
): Epoch {
  return {
    $type: EPOCH,
    epoch: 0,
    code: 'AT',
    scale: 6,
    supplyCap: 9_000_000_000_000_000,
    governance: GOVERNANCE,
    validators: validators.map((one) => ({ ...one, endpoint: 'http://localhost:2583' })),
    quorum: quorumOf(validators.length),
    grants,
    params: {
      splits: [],
      feeBasisPoints: 50,
      feeMinimum: 1_000,
      holdHours: 72,
      noAngelKeyLimit: 10_000_000,
      maxSkewSeconds: 300,
    },
    createdAt: NOON,
    signatures: [],
    ...more,
  }
}

/** The epoch as validators hold it. */
export function currentOf(read: Pick<ReadEpoch, 'epoch' | 'id'>): CurrentEpoch {
  const pools = poolsOf(read.epoch.grants)
  return {
    epoch: read.epoch,
    committee: committeeOf(read),
    pools,
    persons: new Map(),
    phase: 'open',
  }
}

/** A town of `n` validators on stores in memory, with real keys and signatures. */
export async function foundTown(
  n: number,
  grants: readonly Grant[],
  options: { readonly batched?: boolean; readonly crypto?: TokenCrypto } = {},
): Promise<Town> {
  const crypto = options.crypto ?? nativeCrypto
  const signers = Array.from({ length: n }, (_, index) => ({
    did: didOf(`validator${'abcdefghijklmnop'[index]}`),
    signer: p256Signer(),
  }))
  const validators = signers.map(({ did, signer }) => ({ did, key: signer.didKey }))
  const genesis = readEpoch(crypto, encodeRecord(firstEpoch(validators, grants)))
  if (isRefusal(genesis)) throw new Error(`${genesis.reason}: ${genesis.detail}`)
  const town = { genesis, crypto, members: [] as Member[], now: NOON }
  for (const { did, signer } of signers) {
    const store = memoryStore()
    const current = currentOf(genesis)
    await store.enter(current, openEpoch([], genesis.epoch.grants))
    const now = () => town.now
    const batched = options.batched ?? false
    const validator = createValidator({ did, crypto, signer, store, now, current, batched })
    town.members.push({ did, signer, validator, store })
  }
  return town
}

/** A person of that name with a fresh device key. */
export function payer(name: string): Payer {
  return { did: didOf(name), signer: p256Signer() }
}

/** A signed transfer, as its order would come in. */
export function orderOf(
  town: Pick<Town, 'genesis' | 'crypto' | 'now'>,
  from: Payer,
  more: Partial<Transfer> & Pick<Transfer, 'credits'>,
): Order {
  const bare: Transfer = {
    $type: TRANSFER,
    ledger: town.genesis.id,
    epoch: 0,
    seq: 1,
    kind: 'peer_recognition',
    createdAt: town.now,
    signatures: [],
    ...more,
  }
  const unsigned = read(town.crypto, from.did, bare)
  const signatures = [...bare.signatures, signSpend(from.signer, unsigned.id)]
  const signed = read(town.crypto, from.did, { ...bare, signatures })
  const angel = from.signer.didKey
  return { ...signed, senderKey: angel, keys: { did: from.did, atproto: angel, angel } }
}

function read(crypto: TokenCrypto, account: string, transfer: Transfer): ReadTransfer {
  const found = readTransfer(crypto, account, encodeRecord(transfer))
  if (isRefusal(found)) throw new Error(`${found.reason}: ${found.detail}`)
  return found
}

/** The attestation in an answer; throws when it is none. */
export function attested(answer: Answer): { about: Subject; attestation: Attestation } {
  if (!answer.ok) throw new Error(`${answer.reason}: ${answer.detail}`)
  if (!('attestation' in answer)) throw new Error('applied already')
  return answer
}

/** Has these members vote for an order; answers the certificate. */
export async function lockWith(order: Order, members: readonly Member[]): Promise<Certificate> {
  return gather(await Promise.all(members.map(({ validator }) => validator.submit(order))))
}

/** Has these members apply a transfer; answers the certificate of that. */
export async function applyWith(
  order: Order,
  certificate: Certificate,
  members: readonly Member[],
): Promise<Certificate> {
  const apply = ({ validator }: Member) => validator.apply(order, certificate)
  return gather(await Promise.all(members.map(apply)))
}

function gather(answers: readonly Answer[]): Certificate {
  const votes = answers.map(attested)
  return assemble(
    votes[0]!.about,
    votes.map(({ attestation }) => attestation),
  )
}
