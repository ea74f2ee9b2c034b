import { fromBytes, isBytes, toBytes } from '@atcute/cbor'
import type { Outbound } from '../outbound/fetch.ts'
import type { Account } from '../tokens/account.ts'
import type { Handover, ReadEpoch, ValidatorEntry } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { cid, did, fields, int } from '../tokens/shape.ts'
import { type Standing, stateRoot } from '../tokens/state-root.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { askPeer } from './ask-peer.ts'
import { type Beginning, pinnedPersons } from './open-validator.ts'

const PAGE = 1_000
/** Most pages of a list, so that one without end comes to an end: a million accounts. */
const PAGES_MAX = 1_000

const standing = fields(
  { account: did, seq: int(0, 999_999_999_999), balance: int(0) },
  { head: cid },
)

type Parts = {
  readonly crypto: TokenCrypto
  readonly fetch: Outbound
  /** The key of this node, which is not asked itself. */
  readonly key: string
}

/**
 * Fetches what a validator begins with that was not in the epoch before the newest one: from one
 * validator after the other, of both epochs, until the whole list of one has the root that a quorum
 * has signed with the epoch. Undefined when nobody has such a list now.
 *
 * The root covers number, head and balance of every account, which is all that certificates and
 * settlement rest on. The rest a validator has of the epoch itself: sums spent and minted begin
 * anew with it and follow from its certificates, its locks are only its own, and the snapshot of
 * persons is pinned by the epoch. **Keys are not covered**, and nobody's word is taken for them. A
 * newcomer that believed the first keys it met would end every hold: who has changed a key of
 * somebody an hour ago, to empty the account, would only have to wait for enough newcomers. So
 * the first keys it meets of an account that has spent before are on hold for `holdHours`, in which
 * it votes for small sums only (`noAngelKeyLimit` in an epoch). Those who were there before vote
 * for the others, and as long as they are a quorum nobody has to wait. Of an account that has never
 * spent no validator has met a key, so there a newcomer knows as much as everybody.
 */
export async function fetchCheckpoint(
  parts: Parts,
  chain: readonly ReadEpoch[],
): Promise<Beginning | undefined> {
  const newest = chain.at(-1)!
  const { handover } = newest.epoch
  if (!handover) return undefined
  for (const peer of peersOf(parts, chain)) {
    const found = await listOf(parts, peer, newest)
    if (!found || !isWhole(parts, handover, found.accounts)) continue
    if (isRefusal(pinnedPersons(parts.crypto, newest.epoch, found.personhood))) continue
    const { personhood } = found
    const accounts = found.accounts.map(begun)
    return { epochs: chain, accounts, ...(personhood && { personhood }) }
  }
  return undefined
}

/** The snapshot of persons that the newest epoch pins, from whoever has it; undefined where it pins
 *  none, or nobody has it now. */
export async function fetchSnapshot(
  parts: Parts,
  chain: readonly ReadEpoch[],
): Promise<Uint8Array | undefined> {
  const newest = chain.at(-1)!
  if (newest.epoch.personhood === undefined) return undefined
  for (const peer of peersOf(parts, chain)) {
    const { personhood } = (await pageOf(parts, peer, newest, { limit: 1 })) ?? {}
    const isGood = !isRefusal(pinnedPersons(parts.crypto, newest.epoch, personhood))
    if (isGood) return personhood
  }
  return undefined
}

/** Who may have the list: those of the newest epoch first, then those of the one before. */
function peersOf({ key }: Parts, chain: readonly ReadEpoch[]): ValidatorEntry[] {
  const [before, newest] = [chain.at(-2), chain.at(-1)]
  const all = [newest, before].flatMap((one) => one?.epoch.validators ?? [])
  const byEndpoint = new Map(all.map((peer) => [peer.endpoint, peer]))
  return [...byEndpoint.values()].filter((peer) => peer.key !== key)
}

type Page = {
  readonly accounts: readonly Standing[]
  readonly personhood?: Uint8Array
  readonly cursor?: string
}

async function listOf(
  parts: Parts,
  peer: ValidatorEntry,
  newest: ReadEpoch,
): Promise<Omit<Page, 'cursor'> | undefined> {
  const accounts = new Map<string, Standing>()
  let first: Page | undefined
  let cursor: string | undefined
  for (let n = 0; n < PAGES_MAX; n += 1) {
    const page = await pageOf(parts, peer, newest, { limit: PAGE, cursor })
    if (!page) return undefined
    first ??= page
    const before = accounts.size
    for (const one of page.accounts) accounts.set(one.did, one)
    // An account that comes twice belongs to no list.
    if (accounts.size !== before + page.accounts.length) return undefined
    if (page.cursor === undefined) return { ...first, accounts: [...accounts.values()] }
    if (page.cursor === cursor) return undefined
    cursor = page.cursor
  }
  return undefined
}

async function pageOf(
  { fetch }: Parts,
  { endpoint }: ValidatorEntry,
  { epoch }: ReadEpoch,
  at: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page | undefined> {
  const query = { ledger: epoch.ledger, epoch: epoch.epoch - 1, ...at }
  const reply = await askPeer(fetch, endpoint, 'readCheckpoint', { query })
  if (!reply.ok || !Array.isArray(reply.body['accounts'])) return undefined
  const { accounts, personhood, cursor } = reply.body
  const list: unknown[] = accounts.slice(0, PAGE)
  if (list.some((one) => standing(one, 'account') !== undefined)) return undefined
  return {
    accounts: (list as Told[]).map(({ account, balance, ...rest }) => ({
      did: account,
      balance: BigInt(balance),
      ...rest,
    })),
    ...(isBytes(personhood) && { personhood: fromBytes(personhood) }),
    ...(typeof cursor === 'string' && { cursor }),
  }
}

type Told = { account: string; seq: number; head?: string; balance: number }

function isWhole({ crypto }: Parts, handover: Handover, accounts: readonly Standing[]): boolean {
  return toBytes(stateRoot(crypto, accounts)).$bytes === handover.stateRoot.$bytes
}

/** An account whose keys others have judged. */
function begun(account: Standing): Account {
  return { ...account, spent: 0n, ...(account.seq > 0 && { keysUnmet: true as const }) }
}
