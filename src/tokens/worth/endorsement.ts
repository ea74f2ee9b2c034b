import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import { cidBytes, cidOf } from '../encoding.ts'
import type { CurrentEpoch } from '../ledger-view.ts'
import { witnessContent } from '../pool-rules.ts'
import { type Refusal, refuse } from '../refusal.ts'
import type { TokenCrypto, TokenSigner } from '../token-crypto.ts'
import { APPROVAL, type ReadTransfer, type Transfer } from '../transfer.ts'

/** The collection of what witnesses and approvers say, in their own repos. */
export const ENDORSEMENT = 'co.kendev.tokens.endorsement'

/** That its author vouches for a transfer out of a pool, as a witness or as an approver. */
export type Endorsement = {
  readonly $type: typeof ENDORSEMENT
  readonly ledger: string
  readonly epoch: number
  readonly pool: string
  /** Number of the pool's transfer. */
  readonly seq: number
  readonly role: 'witness' | 'approver'
  /** CID of what is signed: of the witness content, or the id of the transfer. */
  readonly content: string
  /** By the key that the snapshot of persons, or the pool's grant, names for the author. */
  readonly signature: Bytes
  readonly createdAt: string
}

/** An endorsement with the repo that it stands in. */
export type Endorsed = { readonly did: string; readonly endorsement: Endorsement }

/** A transfer of a pool while it is made: no one has to have signed it. */
export type Draft = { readonly account: string; readonly transfer: Transfer }

/** Somebody who endorses, and when. */
export type Endorser = {
  readonly did: string
  readonly signer: TokenSigner
  readonly now: string
}

/** The word of a witness. It holds for these credits, this evidence and this number only. */
export function witness(
  crypto: TokenCrypto,
  { account, transfer }: Draft,
  by: Endorser,
): Endorsement {
  const content = cidOf(crypto, witnessContent(account, transfer, by.did))
  return endorse({ account, transfer }, 'witness', content, by)
}

/** The word of an approver. It holds for the transfer with just these witnesses. */
export function approve(read: Pick<ReadTransfer, 'account' | 'transfer' | 'id'>, by: Endorser) {
  return endorse(read, 'approver', read.id, by)
}

function endorse(
  { account, transfer }: Draft,
  role: Endorsement['role'],
  content: string,
  { signer, now }: Endorser,
): Endorsement {
  const { ledger, epoch, seq } = transfer
  const signature = toBytes(signer.sign(cidBytes(content)))
  const about = { ledger, epoch, pool: account, seq, role, content }
  return { $type: ENDORSEMENT, ...about, signature, createdAt: now }
}

/**
 * The draft with as many witnesses as its pool needs, one of each cluster, the smallest DIDs first.
 * Words that do not fit are passed over, since anybody may write one: of other content, by nobody
 * in the epoch's snapshot or without a key there, by who takes part, not signed by that key.
 * Refuses with how many there are when there are too few.
 */
export function withWitnesses(
  crypto: TokenCrypto,
  { persons, pools }: Pick<CurrentEpoch, 'persons' | 'pools'>,
  draft: Draft,
  words: Iterable<Endorsed>,
): { readonly ok: true; readonly transfer: Transfer } | Refusal {
  const { account, transfer } = draft
  const needed = pools.get(account)?.witnesses ?? 0
  const receivers = new Set(transfer.credits.map(({ to }) => to))
  const byCluster = new Map<string, { did: string; signature: Bytes }>()
  for (const { did, endorsement } of inOrder(words)) {
    const { key, cluster } = persons.get(did) ?? {}
    if (key === undefined || cluster === undefined || byCluster.has(cluster)) continue
    if (receivers.has(did) || did === account) continue
    const content = cidOf(crypto, witnessContent(account, transfer, did))
    if (!isSaid(crypto, endorsement, { role: 'witness', content, key })) continue
    byCluster.set(cluster, { did, signature: endorsement.signature })
  }
  if (byCluster.size < needed) return refuse('WitnessesMissing', `${byCluster.size} of ${needed}`)
  const { witnesses: _, ...bare } = transfer
  const witnesses = [...byCluster.values()].slice(0, needed)
  return { ok: true, transfer: { ...bare, ...(needed > 0 && { witnesses }) } }
}

/** The transfer with as many approvals as its pool needs, the smallest DIDs first. Words that do
 *  not fit are passed over; refuses with how many there are when there are too few. */
export function withApprovals(
  crypto: TokenCrypto,
  { pools }: Pick<CurrentEpoch, 'pools'>,
  { account, transfer, id }: Pick<ReadTransfer, 'account' | 'transfer' | 'id'>,
  words: Iterable<Endorsed>,
): { readonly ok: true; readonly transfer: Transfer } | Refusal {
  const { approvers = [], approvals: needed = 0 } = pools.get(account) ?? {}
  const keys = new Map(approvers.map(({ did, key }) => [did, key]))
  const given = new Map<string, Transfer['signatures'][number]>()
  for (const { did, endorsement } of inOrder(words)) {
    const key = keys.get(did)
    if (key === undefined || given.has(did)) continue
    if (!isSaid(crypto, endorsement, { role: 'approver', content: id, key })) continue
    given.set(did, { $type: APPROVAL, did, signature: endorsement.signature })
  }
  if (given.size < needed) return refuse('ApprovalsMissing', `${given.size} of ${needed}`)
  const others = transfer.signatures.filter(({ $type }) => $type !== APPROVAL)
  const signatures = [...others, ...[...given.values()].slice(0, needed)]
  return { ok: true, transfer: { ...transfer, signatures } }
}

function isSaid(
  crypto: TokenCrypto,
  endorsement: Endorsement,
  expected: Pick<Endorsement, 'role' | 'content'> & { readonly key: string },
): boolean {
  const { role, content, key } = expected
  if (endorsement.role !== role || endorsement.content !== content) return false
  const signature = fromBytes(endorsement.signature)
  return crypto.verify({ didKey: key, bytes: cidBytes(content), signature })
}

function inOrder(words: Iterable<Endorsed>): Endorsed[] {
  return [...words].toSorted((a, b) => (a.did < b.did ? -1 : a.did > b.did ? 1 : 0))
}
