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
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'
import { TRANSFER } from './tokens/transfer.ts'
import type { Validator } from './tokens/validator.ts'
import {
  type CertificatePut,
  type Wanted,
  type WantedSource,
  certifyHosted,
} from './validator/certify-hosted.ts'
import type { KnownEpochs } from './validator/known-epochs.ts'
import { leftOver } from './validator/left-over.ts'
import { receivedHere, writtenHere } from './validator/wanted-sources.ts'

type Options = {
  readonly config: Pick<Config, 'handleDomain'>
  /** The epochs of the ledger that is followed, if any. */
  readonly epochs: KnownEpochs | undefined
  /** The validator of this node, as long as it is one. */
  readonly validator: () => Pick<Validator, 'current'> | undefined
  readonly database: Database
  readonly pds: Pick<NodePds, 'ensureAccount' | 'isHosted' | 'recordProof' | 'writer'>
  readonly outbound: Outbound
  /** Has the repo of an account read here. */
  readonly follow: (did: string) => Promise<void>
  readonly timers: Timers
  readonly log: Log
}

/** Most certificates that are written with one commit. */
const TOGETHER_MAX = 100

/** Has the transfers of the accounts of this node certified and publishes the certificates in the
 *  node's own account, once begun. A node without a ledger has nothing to do. */
export function openCertifying(options: Options): AsyncDisposable & { begin(): void } {
  const { epochs, timers, log } = options
  const stop = new AbortController()
  let running: Promise<void> | undefined
  return {
    begin: () => {
      if (!epochs) return
      const { code } = epochs.current().epoch
      const publish = (puts: readonly CertificatePut[]) => publishAll(options, puts)
      const parts = { sources: sourcesOf(options, epochs), code, publish, timers, log }
      running = certifyHosted(parts, stop.signal)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

function sourcesOf(
  { validator, database, pds, outbound, follow, timers }: Options,
  epochs: KnownEpochs,
): WantedSource[] {
  const sql = database.pool as unknown as SqlPool
  const ledger = epochs.chain[0]!.id
  const parts = { crypto, fetch: outbound, isHosted: pds.isHosted }
  const written = writtenHere(
    { ...parts, epoch: () => epochs.current() },
    {
      waiting: (number) => waitingTransfers(sql, { ledger, epoch: number }),
      prove: (did, rkey) => pds.recordProof({ did, collection: TRANSFER, rkey }),
    },
  )
  // What the books have is looked at by the epoch that the books are in.
  const epoch = () => {
    const now = validator()?.current()
    return now ? { epoch: now.epoch, id: now.committee.id } : epochs.current()
  }
  const known = (ids: readonly string[]) => finalTransfers(sql, ids)
  const received = receivedHere({ ...parts, epoch }, { sql, ledger, known, follow })
  const left = leftOver(
    { ...parts, epoch, clock: timers },
    {
      sql,
      ledger,
      known,
      certified: (ids) => certifiedTransfers(sql, ids),
      follow: async (account) => {
        if (!(await pds.isHosted(account))) await follow(account)
      },
    },
  )
  const isValidating = () => validator() !== undefined
  return [written, onlyWhile(isValidating, received), onlyWhile(isValidating, left)]
}

/** Wanted only while that is so. */
function onlyWhile<W extends Wanted>(
  isSo: () => boolean,
  source: WantedSource<W>,
): WantedSource<W> {
  return { ...source, list: async () => (isSo() ? await source.list() : []) }
}

/** The writer knows accounts by their DID only when the PDS has started. */
async function publishAll(
  { config, pds }: Options,
  puts: readonly CertificatePut[],
): Promise<void> {
  const handle = `node${config.handleDomain}`
  const { did } = await pds.ensureAccount(handle, { reserved: true })
  for (let from = 0; from < puts.length; from += TOGETHER_MAX) {
    await pds.writer.putAll({ did, puts: puts.slice(from, from + TOGETHER_MAX) })
  }
}
