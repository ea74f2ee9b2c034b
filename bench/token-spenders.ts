import { hash } from 'node:crypto'
import { decode } from '@atcute/cbor'
import { type Signer, signerFromPrivateKey } from '../src/crypto/ecdsa.ts'
import { nativeCrypto } from '../src/crypto/native.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import { type DidDocument, type Identity, identityOf } from '../src/identity/identity.ts'
import type { Submission } from '../src/tokens/check-order.ts'
import type { ReadEpoch } from '../src/tokens/epoch.ts'
import type { Order } from '../src/tokens/ledger-view.ts'
import { TRANSFER, transferRkey } from '../src/tokens/transfer.ts'
import { change, firstState, revOf } from '../test/simulator/repo.ts'
import { blockOf, carBytes } from '../test/simulator/tree.ts'
import { NOON, type Payer, didOf, orderOf } from '../test/tokens/town.ts'

/** Somebody who pays: an account with a repo and a device key. */
export type Spender = {
  readonly payer: Payer
  readonly repo: Signer
  readonly document: DidDocument
  readonly identity: Identity
}

/** A transfer with what shows that it stands in the repo. */
export type Proven = { readonly order: Order; readonly submission: Submission }

/** What one account begins with, micro-tokens. */
export const OPENING = 1_000_000_000
const AMOUNT = 1_000
/** A revision of the past; consumers refuse those of the future. */
const BORN_MICROS = Date.UTC(2026, 0, 1) * 1_000

/** So many accounts, with keys that follow from the seed. */
export function spendersOf(count: number, seed = 1): Spender[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `s${lettersOf(index)}`
    const key = (use: string) => hash('sha256', `${seed} ${name} ${use}`, 'buffer')
    const payer = { did: didOf(name), signer: p256Signer(key('angel')) }
    const repo = signerFromPrivateKey(key('atproto'))
    const document = documentOf(payer, repo)
    return { payer, repo, document, identity: identityOf(document)! }
  })
}

/** What an account pays, one transfer after the other. */
export type Wallet = {
  /** Its next so many transfers, under one signed commit of its repo. */
  next(count: number): Proven[]
}

/** A wallet of each account, which pays the account after it. */
export function walletsOf(genesis: ReadEpoch, spenders: readonly Spender[]): Wallet[] {
  const town = { genesis, crypto: nativeCrypto, now: NOON }
  return spenders.map(({ payer, repo }, index) => {
    const to = spenders[(index + 1) % spenders.length]!.payer.did
    let commits = 1
    const signing = () => ({ rev: revOf(BORN_MICROS + 1_000 * commits), signer: repo })
    let state = firstState(payer.did, signing())
    let last: Order | undefined
    const next = (): Order => {
      const before = last === undefined ? {} : { prev: last.id }
      const seq = (last?.transfer.seq ?? 0) + 1
      last = orderOf(town, payer, { seq, ...before, credits: [{ to, amount: AMOUNT }] })
      return last
    }
    return {
      next(count) {
        const orders = Array.from({ length: count }, next)
        const writes = orders.map(({ bytes, transfer }) => {
          const path = `${TRANSFER}/${transferRkey('AT', transfer.seq)}`
          return { path, block: blockOf(decode(bytes)) }
        })
        commits += 1
        state = change(state, writes, signing()).after
        const { tree, commit } = state
        return writes.map(({ path, block }, at) => {
          const order = orders[at]!
          const car = carBytes(commit.cid, [commit, ...tree.path(path), block])
          return { order, submission: { account: payer.did, record: order.bytes, car } }
        })
      },
    }
  })
}

function documentOf({ did, signer }: Payer, repo: Signer): DidDocument {
  const method = (name: string, didKey: string) => ({
    id: `${did}#${name}`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase: didKey.slice('did:key:'.length),
  })
  return {
    id: did,
    verificationMethod: [method('atproto', repo.didKey), method('angel', signer.didKey)],
    service: [
      {
        id: '#atproto_pds',
        type: 'AtprotoPersonalDataServer',
        serviceEndpoint: 'http://localhost:1',
      },
    ],
  }
}

/** A number in letters that a did:plc may have. */
export function lettersOf(index: number): string {
  return Array.from(index.toString(), (digit) => 'abcdefghij'[Number(digit)]).join('')
}
