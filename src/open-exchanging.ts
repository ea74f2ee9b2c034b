import { readFile } from 'node:fs/promises'
import { type ExchangeDue, exchangeDues, quotingAccounts } from './appview/tokens/exchange-dues.ts'
import { newestEpoch } from './appview/tokens/newest-epoch.ts'
import type { Timers } from './clock.ts'
import type { Config } from './config.ts'
import { nativeCrypto as crypto } from './crypto/native.ts'
import { p256Signer } from './crypto/p256.ts'
import type { Database } from './database/database.ts'
import type { SqlPool } from './database/sql.ts'
import { agreedState } from './exchange/agreed-state.ts'
import { type ExchangeParts, answerExchanges } from './exchange/answer-exchanges.ts'
import type { OwnTransfer } from './exchange/answer-book.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'
import type { TokenSigner } from './tokens/token-crypto.ts'
import { TRANSFER, type Transfer } from './tokens/transfer.ts'
import { accountKeys } from './validator/account-keys.ts'
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
 *  has nothing to do. Throws when the file of the providers' key holds none. */
export async function openExchanging(
  options: Options,
): Promise<AsyncDisposable & { begin(): void }> {
  const { config } = options
  const key = await readKey(config.ANGELOS_TOKEN_PROVIDER_KEY_FILE)
  const stop = new AbortController()
  let running: Promise<void> | undefined
  return {
    begin: () => {
      if (config.ANGELOS_TOKEN_LEDGER.length === 0) return
      running = answerExchanges(partsOf(options, key), stop.signal)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

function partsOf(options: Options, key: TokenSigner | undefined): ExchangeParts {
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
    signer: (account) => signerOf(options, key, account),
  }
}

/** The key that the account's document names, if this node has it. */
async function signerOf(
  { resolver }: Options,
  key: TokenSigner | undefined,
  account: string,
): Promise<TokenSigner | undefined> {
  const identity = await resolver.resolve(account)
  if (!identity) throw new Error('the account has no document now')
  const { angel } = accountKeys(identity)
  if (angel === undefined) return undefined
  if (angel === key?.didKey) return key
  throw new Error('the account spends with a device key that this node does not have')
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

async function readKey(file: string | undefined): Promise<TokenSigner | undefined> {
  if (file === undefined) return undefined
  const hex = (await readFile(file, 'utf8')).trim()
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new Error(`${file} is no key of 64 hexadecimal digits`)
  return p256Signer(Buffer.from(hex, 'hex'))
}
