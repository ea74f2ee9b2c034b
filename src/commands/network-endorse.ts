import { parseArgs } from 'node:util'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { silentLog } from '../log.ts'
import { showTokens } from '../tokens/amount.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { readTransfer, transferRkey } from '../tokens/transfer.ts'
import { ENDORSEMENT, approve, witness } from '../tokens/worth/endorsement.ts'
import { openSession } from './account-session.ts'
import { type Verb, UsageError } from './command.ts'
import { openOwnLedger } from './network-files.ts'
import { lookOutside } from './outside.ts'
import { findTransfer } from './pool-draft.ts'
import { readDeviceKey } from './wallet-place.ts'

/** Vouches for a transfer out of a pool. */
export const networkEndorse: Verb = {
  name: 'endorse',
  summary: 'vouch for a transfer that a pool has drafted, as a witness or an approver',
  usage: `./angelos network endorse --pool DID --number N --account HANDLE --key FILE [--approve]
                          [--password-file FILE]

  Reads the draft in the repo of the pool, signs it with the key of the account (of P-256, 64
  hexadecimal digits: its device key, or with --approve the one that the grant names), and writes
  the word into the account's repo. Look at the evidence first: a word for one draft is none for
  another, and is not taken back.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        pool: { type: 'string' },
        number: { type: 'string' },
        account: { type: 'string' },
        key: { type: 'string' },
        approve: { type: 'boolean', default: false },
        'password-file': { type: 'string' },
      },
    })
    const { pool, account, key } = values
    const seq = Number(values.number)
    if (pool === undefined || account === undefined || key === undefined)
      throw new UsageError('Say --pool, --account and --key.')
    if (!Number.isSafeInteger(seq) || seq < 1) throw new UsageError('Say a --number from 1.')
    const signer = await readDeviceKey(key)
    const { config, fetch, current, now } = await openOwnLedger()
    const identity = await lookOutside(config, silentLog).resolver.resolve(pool)
    if (!identity) throw new UsageError(`Nobody is found by ${pool}.`)
    const rkey = transferRkey(current.epoch.code, seq)
    const at = { did: pool, service: identity.pds }
    const transfer = await findTransfer(fetch, at, rkey)
    if (!transfer) throw new UsageError(`${pool} has drafted no number ${seq}.`)
    const read = readTransfer(crypto, pool, encodeRecord(transfer))
    if (isRefusal(read)) throw new UsageError(read.detail)
    const passwordFile = values['password-file']
    const session = await openSession({ service: config.localUrl, account, passwordFile })
    const by = { did: session.did, signer, now: now() }
    const word = values.approve ? approve(read, by) : witness(crypto, read, by)
    const record = JSON.parse(JSON.stringify(word)) as object
    const body = { repo: session.did, collection: ENDORSEMENT, record }
    await session.call('com.atproto.repo.createRecord', body)
    for (const { to, amount } of transfer.credits)
      process.stdout.write(`${showTokens(BigInt(amount))} to ${to}\n`)
    for (const { uri } of transfer.evidence ?? []) process.stdout.write(`for ${uri}\n`)
    return 0
  },
}
