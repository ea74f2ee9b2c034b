import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { toBytes } from '@atcute/cbor'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { co } from '../lexicons/index.ts'
import { readTokens, showTokens } from '../tokens/amount.ts'
import type { Driven } from '../tokens/drive-transfer.ts'
import { cidOf } from '../tokens/encoding.ts'
import { nextTransfer } from '../tokens/next-transfer.ts'
import { type Refusal, isRefusal } from '../tokens/refusal.ts'
import type { TokenSigner } from '../tokens/token-crypto.ts'
import { type ReadTransfer, TRANSFER, transferRkey } from '../tokens/transfer.ts'
import { type AccountWord, readAccountWord } from '../validator/account-word.ts'
import { certifyTransfer } from '../validator/certify-transfer.ts'
import { appliedId } from '../validator/applied-id.ts'
import { type AccountSession, openSession } from './account-session.ts'
import { type Verb, UsageError } from './command.ts'
import { type Journal, openJournal } from './wallet-journal.ts'
import {
  PLACE_OPTIONS,
  type WalletPlace,
  openPlace,
  readDeviceKey,
  recordProof,
} from './wallet-place.ts'
import { type Begun, findBegun, isSamePayment, putTransfer } from './wallet-records.ts'

const MEMO = co.kendev.tokens.memo.$nsid
const AGAIN_MS = 1_000

/** Sends tokens from an account to another. */
export const walletSend: Verb = {
  name: 'send',
  summary: 'send tokens, and wait until it is final',
  usage: `./angelos wallet send TO AMOUNT --account HANDLE [--key FILE] [--reason TEXT]
                      [--wait SECONDS] [--replace] [--genesis FILE] [--service ORIGIN]
                      [--password-file FILE]

  TO is a handle or a DID, AMOUNT in tokens, such as 12 or 0.25. The transfer is written into the
  repo of the account, signed with its device key where one is given, and certified by the
  validators. Exit code 0 when it is final, 1 with the reason when it is not; the seconds to wait
  are 60 unless they are said.

  A transfer that was begun and did not become final, as when this command was killed, is taken up
  first; where it is the same payment, nothing else is sent, nor where it has become final since:
  what was begun and not told is kept in the data folder. With --replace another one is written
  in its place instead: only when the validators have refused it, since one that has voted for the
  first votes for no other before the next epoch.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...PLACE_OPTIONS,
        key: { type: 'string' },
        reason: { type: 'string' },
        wait: { type: 'string', default: '60' },
        replace: { type: 'boolean', default: false },
        'password-file': { type: 'string' },
      },
    })
    const [name = '', text = '', ...more] = positionals
    const amount = readTokens(text)
    if (amount === undefined || more.length > 0)
      throw new UsageError('Say who gets it and how many tokens, such as 12 or 0.25.')
    const wait = Number(values.wait)
    if (!(wait >= 0 && wait <= 3_600)) throw new UsageError('Say with --wait 0 to 3600 seconds.')
    const signer = values.key === undefined ? undefined : await readDeviceKey(values.key)
    const place = await openPlace(values)
    const to = await place.didOf(name)
    const { service, identity } = place
    const passwordFile = values['password-file']
    const session = await openSession({ service, account: identity.did, passwordFile })
    const { reason, replace } = values
    const payment = { to, amount: Number(amount), ...(reason !== undefined && { reason }) }
    const at = { account: identity.did, ledger: place.chain[0]!.id }
    const journal = openJournal(join(place.dataDir, 'wallet'), at)
    return send({ place, session, wait, replace, journal, ...(signer && { signer }) }, payment)
  },
}

type Sending = {
  readonly place: WalletPlace
  readonly session: AccountSession
  readonly signer?: TokenSigner
  /** seconds */
  readonly wait: number
  readonly replace: boolean
  readonly journal: Journal
}
/** The amount is in micro-tokens. */
type Payment = { readonly to: string; readonly amount: number; readonly reason?: string }

async function send(sending: Sending, payment: Payment): Promise<number> {
  const { place, session, replace } = sending
  const { code, epoch } = place.current.epoch
  let word = await wordOf(place)
  if (await wasSent(sending, word, payment)) return 0
  let begun = await findBegun(session, transferRkey(code, word.seq + 1))
  if (begun && begun.read.transfer.epoch === epoch && !replace) {
    say(`number ${word.seq + 1} was begun already and is taken up`)
    const ended = await certify(sending, begun.read)
    if (ended !== 0 || isSamePayment(begun.read, payment)) return ended
    word = await wordOf(place)
    begun = undefined
  }
  if (word.balance < payment.amount) {
    const has = showTokens(BigInt(word.balance))
    process.stderr.write(`InsufficientFunds: the account has ${has} ${code}\n`)
    return 1
  }
  const made = await write(sending, { word, begun, payment })
  return certify(sending, made)
}

/** Whether an earlier run has sent this payment and ended before it could tell. */
async function wasSent(
  { place, journal }: Sending,
  word: AccountWord,
  payment: Payment,
): Promise<boolean> {
  const left = journal.read()
  if (!left || left.seq > word.seq) return false
  const { fetch, current, identity } = place
  const asked = { account: identity.did, seq: left.seq }
  const id = await appliedId({ crypto, fetch }, current, asked)
  if (id === undefined) throw new UsageError('The validators do not agree now; try again.')
  journal.clear()
  if (id !== left.id) return false
  const sum = showTokens(BigInt(left.amount))
  say(`final: ${sum} ${current.epoch.code}, number ${left.seq}, ${id}, which was begun before`)
  return left.to === payment.to && left.amount === payment.amount
}

async function wordOf({ fetch, current, identity }: WalletPlace): Promise<AccountWord> {
  const word = await readAccountWord(fetch, current, identity.did)
  if (word) return word
  throw new UsageError('The validators do not agree on the account now; try again.')
}

/** Writes the transfer, and before it what people say about it. */
async function write(
  { place, session, signer, journal }: Sending,
  { word, begun, payment }: { word: AccountWord; begun: Begun | undefined; payment: Payment },
): Promise<ReadTransfer> {
  const { chain, current, identity, now } = place
  const { code, epoch } = current.epoch
  const createdAt = now()
  const { to, amount, reason } = payment
  const salt = toBytes(new Uint8Array(randomBytes(16)))
  const memo = reason === undefined ? undefined : { $type: MEMO, reason, salt, createdAt }
  const { seq, head } = word
  const last = head === undefined ? {} : { head }
  const at = { account: identity.did, ledger: chain[0]!.id, epoch, seq, ...last }
  const credits = [{ to, amount }]
  const said = memo && { memo: cidOf(crypto, memo) }
  const wanted = { kind: 'peer_recognition', credits, createdAt, ...said } as const
  const made = nextTransfer(crypto, at, wanted, signer)
  if (isRefusal(made)) throw new UsageError(`${made.reason}: ${made.detail}`)
  const rkey = transferRkey(code, seq + 1)
  const entry = { rkey, transfer: made.transfer, ...(memo && { memo }), ...(begun && { begun }) }
  journal.write({ seq: seq + 1, id: made.id, to, amount })
  await putTransfer(session, entry)
  return made
}

/** Has it certified until it is final or refused, and tells what became of it. */
async function certify({ place, wait, journal }: Sending, read: ReadTransfer): Promise<number> {
  const { fetch, current, now } = place
  const { transfer, id, account, bytes: record, total } = read
  const { code } = current.epoch
  const rkey = transferRkey(code, transfer.seq)
  const car = await recordProof(place, TRANSFER, rkey)
  const until = Date.parse(now()) + wait * 1_000
  const what = `${showTokens(total)} ${code}, number ${transfer.seq}, ${id}`
  for (;;) {
    const driven = await certifyTransfer({ crypto, fetch }, current, { account, record, car })
    if (!isRefusal(driven) && driven.status === 'final') {
      say(`final: ${what}, by ${driven.apply.attestations.length} validators`)
      journal.clear()
      return 0
    }
    const word = wordFor(driven)
    if (word.isOver || Date.parse(now()) >= until) {
      process.stderr.write(`${word.text}: ${what}\n`)
      return 1
    }
    await sleep(AGAIN_MS)
  }
}

/** What a person is told of a transfer that is not final. */
export function wordFor(driven: Driven | Refusal): { text: string; isOver: boolean } {
  if (isRefusal(driven)) return { text: `${driven.reason}, ${driven.detail}`, isOver: true }
  switch (driven.status) {
    case 'failed':
      return { text: `refused, ${driven.reason} (${driven.detail})`, isOver: true }
    case 'confirmed':
      return { text: 'confirmed, but not applied by a quorum yet', isOver: false }
    case 'pending':
      return { text: `pending, too few validators have voted (${driven.detail})`, isOver: false }
    case 'final':
      return { text: 'final', isOver: true }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
