import type { Outbound } from '../outbound/fetch.ts'
import type { Sql } from '../database/sql.ts'
import type { Submission } from '../tokens/check-order.ts'
import { type CertifiedBytes, type ValidatorPeer, driveTransfer } from '../tokens/drive-transfer.ts'
import { committeeOf, type ReadEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { checkedBatches } from '../tokens/seen-signatures.ts'
import { readTransfer } from '../tokens/transfer.ts'
import { certifyTransfer } from './certify-transfer.ts'
import type { Wanted, WantedSource } from './certify-hosted.ts'
import { type CertifiedRow, listApplied } from './read-ledger.ts'
import { remoteValidator } from './remote-validator.ts'

/** What sources of wanted transfers have in common. */
export type Parts = {
  readonly crypto: TokenCrypto
  readonly fetch: Outbound
  /** The epoch that is open, as far as this node knows. */
  readonly epoch: () => Pick<ReadEpoch, 'epoch' | 'id'>
  readonly isHosted: (did: string) => Promise<boolean>
}

/** A transfer that stands in a repo. */
export type Written = Wanted & { readonly rkey: string }

/** Transfers that stand in repos and wait, and what is done with each. */
export type InRepos = {
  readonly waiting: (
    epoch: number,
  ) => Promise<readonly { account: string; rkey: string; cid: string }[]>
  /** The transfer as its repo has it now; undefined when it is not there any more. */
  readonly prove: (
    account: string,
    rkey: string,
  ) => Promise<Omit<Submission, 'account'> | undefined>
  /** Keeps why validators have refused a version of a transfer. */
  readonly refused: (of: Written, why: { reason: string; detail: string }) => Promise<void>
}

/** Transfers that stand in repos of this node and wait. */
export function writtenHere(parts: Parts, from: InRepos): WantedSource<Written> {
  const { epoch, isHosted } = parts
  return {
    async list() {
      const waiting = await from.waiting(epoch().epoch.epoch)
      const hosted = new Set<string>()
      for (const account of new Set(waiting.map((one) => one.account))) {
        if (await isHosted(account)) hosted.add(account)
      }
      return waiting
        .filter(({ account }) => hosted.has(account))
        .map(({ account, rkey, cid }) => ({ account, rkey, name: cid }))
    },
    certify: certifyWritten(parts, from),
  }
}

/** Has transfers certified that stand in repos, and keeps what was refused. */
export function certifyWritten(
  { crypto, fetch, epoch }: Omit<Parts, 'isHosted'>,
  from: Pick<InRepos, 'prove' | 'refused'>,
): WantedSource<Written>['certify'] {
  const checked = checkedBatches()
  return async (written) => {
    const { account, rkey } = written
    const proof = await from.prove(account, rkey)
    if (!proof) return undefined
    const submission = { account, ...proof }
    const driven = await certifyTransfer({ crypto, fetch, checked }, epoch(), submission)
    if (isRefusal(driven) || driven.status === 'failed') await from.refused(written, driven)
    return driven
  }
}

type Received = Wanted & { readonly id: string; readonly row: CertifiedRow }

const PAGE = 500
const KEPT_MAX = 10_000

/** Transfers that this validator has applied and that somebody here has got from elsewhere: of
 *  these the attestations of the others are put together. */
export function receivedHere(
  { crypto, fetch, epoch, isHosted }: Parts,
  from: {
    readonly sql: Sql
    readonly ledger: string
    /** Those of these transfers whose certificate is known. */
    readonly known: (ids: readonly string[]) => Promise<ReadonlySet<string>>
    /** Has the repo of the account that has paid read here, too. */
    readonly follow: (account: string) => Promise<void>
  },
): WantedSource<Received> {
  const kept = new Map<string, Received>()
  let after = '0'
  const read = async (row: CertifiedRow): Promise<Received | undefined> => {
    const transfer = readTransfer(crypto, row.account, row.record)
    if (isRefusal(transfer) || row.epoch !== epoch().epoch.epoch) return undefined
    if (await isHosted(row.account)) return undefined
    for (const { to } of transfer.transfer.credits) {
      if (!(await isHosted(to))) continue
      const { account } = row
      return { account, name: `${transfer.id} ${account}`, id: transfer.id, row }
    }
    return undefined
  }
  return {
    async list() {
      while (kept.size < KEPT_MAX) {
        const rows = await listApplied(from.sql, from.ledger, { limit: PAGE, after })
        for (const row of rows) {
          const received = await read(row)
          if (received) kept.set(received.name, received)
          after = row.n
        }
        if (rows.length < PAGE) break
      }
      const known = await from.known([...kept.values()].map(({ id }) => id))
      for (const { name, id } of kept.values()) if (known.has(id)) kept.delete(name)
      return [...kept.values()]
    },
    async certify({ account, row }) {
      const transfer = readTransfer(crypto, account, row.record)
      if (isRefusal(transfer)) return transfer
      await from.follow(account)
      const at = epoch()
      const committee = committeeOf(at)
      const peers = appliedPeers(fetch, at, row)
      return driveTransfer({ crypto, committee, peers, transfer })
    },
  }
}

/** The validators of an epoch, to be asked only what they have applied of a certified transfer. */
export function appliedPeers(
  fetch: Outbound,
  at: Pick<ReadEpoch, 'epoch' | 'id'>,
  row: CertifiedBytes,
): ValidatorPeer[] {
  const { ledger } = committeeOf(at)
  return at.epoch.validators.map((peer) => withLock(remoteValidator(fetch, peer, ledger), row))
}

/** A validator that is only asked what it has applied: the votes are together. */
function withLock(peer: ValidatorPeer, applied: CertifiedBytes): ValidatorPeer {
  return { ...peer, submit: () => Promise.resolve({ ok: true, applied }) }
}
