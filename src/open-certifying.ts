import { keepRefusal } from './appview/tokens/keep-refusal.ts'
import {
  certifiedTransfers,
  finalTransfers,
  waitingTransfers,
} from './appview/tokens/waiting-transfers.ts'
import type { Timers } from './clock.ts'
import type { Config } from './config.ts'
import { nativeCrypto as crypto } from './crypto/native.ts'
import type { Database } from './database/database.ts'
import type { SqlPool } from './database/sql.ts'
import { fetchRecordProof } from './firehose/fetch-record-proof.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Telemetry } from './open-telemetry.ts'
import type { Outbound } from './outbound/fetch.ts'
import { TRANSFER } from './tokens/transfer.ts'
import type { Validator } from './tokens/validator.ts'
import {
  type CertificatePut,
  type Wanted,
  type WantedSource,
  certifyHosted,
} from './validator/certify-hosted.ts'
import { heardOf } from './validator/heard-of.ts'
import type { KnownEpochs } from './validator/known-epochs.ts'
import { leftOver } from './validator/left-over.ts'
import { type InRepos, receivedHere, writtenHere } from './validator/wanted-sources.ts'

type Options = {
  readonly config: Pick<Config, 'handleDomain'>
  /** The epochs of the ledger that is followed, if any. */
  readonly epochs: KnownEpochs | undefined
  /** The validator of this node, as long as it is one. */
  readonly validator: () => Pick<Validator, 'current'> | undefined
  readonly database: Database
  readonly pds: Pick<NodePds, 'ensureAccount' | 'isHosted' | 'recordProof' | 'writer'>
  readonly resolver: Pick<IdentityResolver, 'resolve'>
  readonly outbound: Outbound
  /** Has the repo of an account read here. */
  readonly follow: (did: string) => Promise<void>
  readonly telemetry: Pick<Telemetry, 'events'>
  readonly timers: Timers
  readonly log: Log
}

/** The work of having transfers certified. */
export type Certifying = AsyncDisposable & {
  begin(): void
  /** Transfers that the validator has applied and of which no certificate was read here; undefined
   *  where there is no validator. */
  unpublished(): number | undefined
}

/** Most certificates that are written with one commit. */
const TOGETHER_MAX = 100

/** Has the transfers of the accounts of this node certified and publishes the certificates in the
 *  node's own account, once begun. A node without a ledger has nothing to do. */
export function openCertifying(options: Options): Certifying {
  const { epochs, validator, timers, telemetry, log } = options
  const stop = new AbortController()
  let running: Promise<void> | undefined
  let sources: ReturnType<typeof sourcesOf> | undefined
  return {
    unpublished: () => (validator() ? sources?.left.waiting() : undefined),
    begin: () => {
      if (!epochs) return
      const { code } = epochs.current().epoch
      const publish = (puts: readonly CertificatePut[]) => publishAll(options, puts)
      sources = sourcesOf(options, epochs)
      const { events } = telemetry
      const parts = { code, publish, timers, events, log }
      // Hosts of others may be slow: what is fetched from them keeps nothing of this node waiting.
      const loops = [sources.own, [sources.heard]].map((each) =>
        certifyHosted({ ...parts, sources: each }, stop.signal),
      )
      running = Promise.all(loops).then(() => undefined)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

function sourcesOf(options: Options, epochs: KnownEpochs) {
  const { validator, database, pds, outbound, follow, timers } = options
  const nodeAccount = () => nodeAccountOf(options)
  const sql = database.pool as unknown as SqlPool
  const ledger = epochs.chain[0]!.id
  const parts = { crypto, fetch: outbound, isHosted: pds.isHosted }
  const refused: InRepos['refused'] = ({ account, rkey, name: cid }, { reason, detail }) =>
    keepRefusal(sql, { account, rkey, cid, reason, detail }, timers.now())
  const current = () => epochs.current()
  const written = writtenHere(
    { ...parts, epoch: current },
    {
      waiting: async (epoch) =>
        waitingTransfers(sql, { ledger, epoch, publisher: await nodeAccount() }),
      prove: (did, rkey) => pds.recordProof({ did, collection: TRANSFER, rkey }),
      refused,
    },
  )
  const followOther = async (account: string) => {
    if (!(await pds.isHosted(account))) await follow(account)
  }
  const heard = heardOf(
    { ...parts, epoch: current, timers },
    {
      waiting: (epoch) => waitingTransfers(sql, { ledger, epoch }),
      prove: (did, rkey) => proofElsewhere(options, { did, collection: TRANSFER, rkey }),
      refused,
      follow: followOther,
    },
  )
  // What the books have is looked at by the epoch that the books are in.
  const epoch = () => {
    const now = validator()?.current()
    return now ? { epoch: now.epoch, id: now.committee.id } : epochs.current()
  }
  const known = (ids: readonly string[]) => finalTransfers(sql, ids)
  // Whose accounts have part in it keeps a certificate of its own, whoever has published one too.
  const ownOf = async (ids: readonly string[]) => finalTransfers(sql, ids, await nodeAccount())
  const received = receivedHere({ ...parts, epoch }, { sql, ledger, known: ownOf, follow })
  const left = leftOver(
    { ...parts, epoch, clock: timers },
    {
      sql,
      ledger,
      known,
      certified: (ids) => certifiedTransfers(sql, ids),
      follow: followOther,
    },
  )
  const isValidating = () => validator() !== undefined
  const own: WantedSource[] = [
    written,
    onlyWhile(isValidating, received),
    onlyWhile(isValidating, left),
  ]
  return { own, heard: onlyWhile(isValidating, heard) as WantedSource, left }
}

/** A record of another host with its proof; undefined when what it sends proves no such record. */
async function proofElsewhere(
  { resolver, outbound, timers }: Pick<Options, 'resolver' | 'outbound' | 'timers'>,
  place: { did: string; collection: string; rkey: string },
): Promise<{ record: Uint8Array; car: Uint8Array } | undefined> {
  const identity = await resolver.resolve(place.did)
  if (!identity) return undefined
  const proof = await fetchRecordProof(outbound, identity, place, timers.now())
  return proof.ok && proof.cid !== null ? { record: proof.bytes, car: proof.car } : undefined
}

/** Wanted only while that is so. */
function onlyWhile<W extends Wanted>(
  isSo: () => boolean,
  source: WantedSource<W>,
): WantedSource<W> {
  return { ...source, list: async () => (isSo() ? await source.list() : []) }
}

/** The writer knows accounts by their DID only when the PDS has started. */
async function nodeAccountOf({ config, pds }: OwnAccount): Promise<string> {
  return (await pds.ensureAccount(`node${config.handleDomain}`, { reserved: true })).did
}

/** Where the node's own account is. */
type OwnAccount = Pick<Options, 'config'> & {
  readonly pds: Pick<NodePds, 'ensureAccount' | 'writer'>
}

/** Writes records into the node's own account, so many with a commit. */
export async function publishAll(
  options: OwnAccount,
  puts: readonly CertificatePut[],
): Promise<void> {
  const { pds } = options
  const did = await nodeAccountOf(options)
  for (let from = 0; from < puts.length; from += TOGETHER_MAX) {
    await pds.writer.putAll({ did, puts: puts.slice(from, from + TOGETHER_MAX) })
  }
}
