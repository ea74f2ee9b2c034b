import { type ExchangeDue, exchangeDues, quotingAccounts } from './appview/tokens/exchange-dues.ts'
import { newestEpoch } from './appview/tokens/newest-epoch.ts'
import type { Timers } from './clock.ts'
import type { Config } from './config.ts'
import { nativeCrypto as crypto } from './crypto/native.ts'
import type { Database } from './database/database.ts'
import type { SqlPool } from './database/sql.ts'
import { agreedState } from './exchange/agreed-state.ts'
import { type ExchangeParts, answerExchanges } from './exchange/answer-exchanges.ts'
import type { OwnTransfer } from './exchange/answer-book.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'
import { providerSigner } from './provider-signer.ts'
import { TRANSFER, type Transfer } from './tokens/transfer.ts'
import { certificatePut } from './validator/certify-hosted.ts'
import { certifyTransfer } from './validator/certify-transfer.ts'

type Options = {
  readonly config: Pick<
    Config,
    'ANGELOS_TOKEN_LEDGER' | 'ANGELOS_TOKEN_PROVIDER_KEY_FILE' | 'handleDomain'
  >
  readonly database: Database
  readonly resolver: Pick<IdentityResolver, 'resolve'>
  readonly pds: Pick<
    NodePds,
    'ensureAccount' | 'isHosted' | 'recordProof' | 'listRecords' | 'writer'
  >
  /** Has the views take in what has come. */
  readonly catchUp: () => Promise<void>
  readonly outbound: Outbound
  readonly timers: Timers
  readonly log: Log
}

const PAGE = 500

/** Answers payments to liquidity providers of this node, once begun; a node that follows no ledger
 *  has nothing to do. */
export function openExchanging(options: Options): AsyncDisposable & { begin(): void } {
  const { config } = options
  const stop = new AbortController()
  let running: Promise<void> | undefined
  return {
    begin: () => {
      if (config.ANGELOS_TOKEN_LEDGER.length === 0) return
      running = answerExchanges(partsOf(options), stop.signal)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

function partsOf(options: Options): ExchangeParts {
  const { database, pds, outbound, timers, log, catchUp } = options
  const sql = database.pool as unknown as SqlPool
  return {
    crypto,
    timers,
    log,
    async providers() {
      const hosted: Awaited<ReturnType<typeof quotingAccounts>> = []
      for (const one of await quotingAccounts(sql, timers.now()))
        if (await pds.isHosted(one.did)) hosted.push(one)
      // Others are answered when the views have taken in by themselves what has come.
      if (hosted.some(({ isFresh }) => isFresh)) await catchUp()
      return hosted.map(({ did }) => did)
    },
    dues: (provider): Promise<ExchangeDue[]> => exchangeDues(sql, provider, timers.now()),
    epoch: (ledger) => newestEpoch(sql, ledger),
    state: (at, account) => agreedState(outbound, at, account),
    own: (account, code, after) => ownTransfers(pds, account, code, after),
    async write(did, rkey, record, over) {
      const put = { did, collection: TRANSFER, rkey, record: asJson(record) }
      await pds.writer.putRecord(over === 'nothing' ? { ...put, swapRecord: null } : put)
    },
    async certify(at, account, rkey) {
      const proof = await pds.recordProof({ did: account, collection: TRANSFER, rkey })
      return proof && certifyTransfer({ crypto, fetch: outbound }, at, { account, ...proof })
    },
    async publish(code, certificate) {
      const { did } = await pds.ensureAccount(`node${options.config.handleDomain}`, {
        reserved: true,
      })
      await pds.writer.putAll({ did, puts: [certificatePut(code, certificate)] })
    },
    signer: providerSigner(options),
  }
}

async function ownTransfers(
  pds: Options['pds'],
  did: string,
  code: string,
  after: number,
): Promise<OwnTransfer[]> {
  const prefix = `${code.toLowerCase()}.`
  const own: OwnTransfer[] = []
  let last = `${prefix}${String(after).padStart(12, '0')}`
  for (;;) {
    const of = { did, collection: TRANSFER, prefix, after: last, limit: PAGE }
    const page = await pds.listRecords(of)
    for (const { rkey, value } of page) {
      const { epoch, seq, ref } = value as Transfer
      own.push({ rkey, epoch, seq, ...(ref && { ref: ref.uri }) })
      last = rkey
    }
    if (page.length < PAGE) return own
  }
}

function asJson(record: Transfer): Record<string, unknown> {
  return JSON.parse(JSON.stringify(record)) as Record<string, unknown>
}
