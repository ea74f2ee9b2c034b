import { parseArgs } from 'node:util'
import { contributionOf } from '../appview/karma/judge.ts'
import { co } from '../lexicons/index.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { showTokens } from '../tokens/amount.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { committeeOf } from '../tokens/epoch.ts'
import { poolsOf } from '../tokens/grants.ts'
import { type Refusal, isRefusal, refuse } from '../tokens/refusal.ts'
import type { TokenSigner } from '../tokens/token-crypto.ts'
import { type Transfer, readTransfer, signSpend, transferRkey } from '../tokens/transfer.ts'
import { type Endorsed, withApprovals, withWitnesses } from '../tokens/worth/endorsement.ts'
import { draftReward, isDraftOf, karmaReward } from '../tokens/worth/reward.ts'
import { askPeer } from '../validator/ask-peer.ts'
import { fetchSnapshot } from '../validator/fetch-checkpoint.ts'
import { gatherEndorsements } from '../validator/gather-endorsements.ts'
import { pinnedPersons } from '../validator/open-validator.ts'
import { type AccountSession, callHost, openSession } from './account-session.ts'
import { type Verb, UsageError } from './command.ts'
import { type OwnLedger, openOwnLedger } from './network-files.ts'
import { findTransfer, putTransfer } from './pool-draft.ts'
import { readDeviceKey } from './wallet-place.ts'

/** Makes a reward of an award of karma. */
export const networkReward: Verb = {
  name: 'reward',
  summary: 'reward an award of karma out of a pool, once it is witnessed',
  usage: `./angelos network reward AWARD --account HANDLE [--key FILE] [--uncounted]
                         [--password-file FILE]

  AWARD is the at-uri of an award of karma that counts, the account the owner of a pool. Writes the
  next transfer of the pool as a draft, for witnesses to endorse ("network endorse"). Say it again
  when they have: then their words are put in, the transfer is signed with the device key of the
  account where it has one, and its node has it certified. Exit code 1 while words are missing.

  Whether an award counts is what this node says, by its own roles; --uncounted takes any other.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        account: { type: 'string' },
        key: { type: 'string' },
        uncounted: { type: 'boolean', default: false },
        'password-file': { type: 'string' },
      },
    })
    const [uri] = positionals
    const { account } = values
    if (uri === undefined || account === undefined || positionals.length !== 1)
      throw new UsageError('Say the at-uri of one award, and with --account who owns the pool.')
    const signer = values.key === undefined ? undefined : await readDeviceKey(values.key)
    const ledger = await openOwnLedger()
    const passwordFile = values['password-file']
    const session = await openSession({ service: ledger.config.localUrl, account, passwordFile })
    const draft = await draftOf(ledger, session, { uri, uncounted: values.uncounted })
    const made = await complete(ledger, session, draft)
    const { seq, credits } = draft
    if (isRefusal(made)) {
      process.stdout.write(`number ${seq} is drafted; ${made.reason}: ${made.detail}\n`)
      return 1
    }
    await put(ledger, session, signed(session.did, made.transfer, signer))
    const [{ to, amount }] = credits as [Transfer['credits'][number]]
    process.stdout.write(`number ${seq}: ${showTokens(BigInt(amount))} to ${to}\n`)
    return 0
  },
}

/** The draft of a reward in the repo of the pool, written if it is not there. */
async function draftOf(
  ledger: OwnLedger,
  session: AccountSession,
  { uri, uncounted }: { readonly uri: string; readonly uncounted: boolean },
): Promise<Transfer> {
  const { config, current, fetch, now } = ledger
  const { epoch, ledger: id } = committeeOf(current)
  if (!poolsOf(current.epoch.grants).has(session.did))
    throw new UsageError(`${session.handle} has no budget in epoch ${epoch}.`)
  const nsid = co.kendev.karma.getAward.$nsid
  const award = await callHost<co.kendev.karma.defs.AwardView>(config.localUrl, nsid, {
    params: { uri },
  })
  if (!award.counts && !uncounted)
    throw new UsageError(`The award does not count: ${award.whyNot ?? ''}.`)
  const last = await lastOf(ledger, session.did)
  const { points, recipient, type, contributionType = null } = award
  const contribution = contributionOf({ type, contributionType })
  const about = { uri, cid: award.cid, recipient: recipient.did, points }
  const reward = karmaReward({ ...about, contribution })
  const fresh = draftReward({ ledger: id, epoch, now: now() }, last, reward)
  const there = await findTransfer(fetch, session, rkeyOf(ledger, fresh))
  if (there && !isDraftOf(there, fresh))
    throw new UsageError(`Number ${fresh.seq} is begun for something else in this repo.`)
  if (!there) await put(ledger, session, fresh)
  return there ?? fresh
}

async function lastOf(
  { fetch, current }: OwnLedger,
  account: string,
): Promise<{ seq: number; head?: string }> {
  const query = { ledger: committeeOf(current).ledger, account }
  for (const { endpoint } of current.epoch.validators) {
    const reply = await askPeer(fetch, endpoint, 'readAccountState', { query })
    const { seq, head } = reply.ok ? reply.body : {}
    if (typeof seq === 'number') return { seq, ...(typeof head === 'string' && { head }) }
  }
  throw new UsageError('No validator answers.')
}

/** The transfer with witnesses and approvals; with the witnesses alone it is kept for approvers. */
async function complete(
  ledger: OwnLedger,
  session: AccountSession,
  draft: Transfer,
): Promise<{ readonly ok: true; readonly transfer: Transfer } | Refusal> {
  const { current, chain, fetch, config } = ledger
  const account = session.did
  const pools = poolsOf(current.epoch.grants)
  const persons = pinnedPersons(
    crypto,
    current.epoch,
    await fetchSnapshot({ crypto, fetch, key: '' }, chain),
  )
  if (isRefusal(persons)) return persons
  const { ledger: id, epoch, seq } = draft
  const of = { ledger: id, epoch, pool: account, seq }
  const words: Endorsed[] = await gatherEndorsements({ fetch, node: config.publicUrl }, of)
  const is = { account, transfer: draft }
  const witnessed = draft.witnesses
    ? { ok: true as const, transfer: draft }
    : withWitnesses(crypto, { persons, pools }, is, words)
  if (isRefusal(witnessed)) return witnessed
  const read = readTransfer(crypto, account, encodeRecord(witnessed.transfer))
  if (isRefusal(read)) return read
  const made = withApprovals(crypto, { pools }, read, words)
  if (isRefusal(made) && !draft.witnesses) await put(ledger, session, witnessed.transfer)
  return made
}

function signed(account: string, transfer: Transfer, signer: TokenSigner | undefined): Transfer {
  const read = readTransfer(crypto, account, encodeRecord(transfer))
  if (isRefusal(read)) throw new Error(refuse(read.reason, read.detail).detail)
  const own = signer ? [signSpend(signer, read.id)] : []
  return { ...transfer, signatures: [...transfer.signatures, ...own] }
}

function rkeyOf({ current }: OwnLedger, { seq }: Transfer): string {
  return transferRkey(current.epoch.code, seq)
}

function put(ledger: OwnLedger, session: AccountSession, transfer: Transfer): Promise<void> {
  return putTransfer(session, rkeyOf(ledger, transfer), transfer)
}
