import { encode, toBytes } from '@atcute/cbor'
import { type Signer, signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import {
  type Change,
  type Message,
  type RepoState,
  type Write,
  change,
  commitMessage,
  firstState,
  frameOf,
  proofOf,
  revOf,
} from '../simulator/repo.ts'
import { type Block, blockOf, carBytes, digest } from '../simulator/tree.ts'
import { didOf } from './account.ts'

/** Accounts that write at the same time, and commits of each before others take their place. */
const ABREAST = 250
const COMMITS = 60
const KEYS = 64
const RECORDS = 10
const BEGIN_MICROS = Date.UTC(2026, 9, 1) * 1000
const TIME = '2026-11-20T10:00:00.000Z'

/** A commit of which only the account, the time and the signature are missing. */
type Template = { body: Message['body']; blocks: readonly Block[]; after: RepoState }

const signers = new Map<number, Signer>()
const templates = makeTemplates()

/** The frame of a number from 1 on: a valid commit, one in ten of them to a record of ours. Always
 *  the same, so that nothing has to be kept; accounts come, write for a while and fall silent. */
export function endlessFrame(seq: number): Uint8Array {
  const { commit } = placeOf(seq)
  const { body, blocks } = templates[commit]!
  const { did, rev, commit: signed } = stateAt(seq)
  const since = commit === 0 ? null : revAt(seq - ABREAST)
  const bytes = toBytes(carBytes(signed.cid, [signed, ...blocks]))
  const told = { ...body, repo: did, commit: signed.cid, rev, since, blocks: bytes }
  return frameOf(seq, { type: '#commit', body: told })
}

/** What the directory has of an account that writes in the stream. */
export function keyOf(did: string): string {
  return signerOf(numberOf(did)).didKey
}

/** The repo of an account after the frame of that number; undefined before its first. */
export function endlessRepo(did: string, seq: number): RepoState | undefined {
  const account = numberOf(did)
  const group = Math.floor(account / ABREAST)
  const first = group * ABREAST * COMMITS + (account % ABREAST) + 1
  const commit = Math.min(COMMITS - 1, Math.floor((seq - first) / ABREAST))
  return commit < 0 ? undefined : stateAt(first + commit * ABREAST)
}

function stateAt(seq: number): RepoState {
  const { account, commit } = placeOf(seq)
  const { after } = templates[commit]!
  const [did, rev] = [didOf(account), revAt(seq)]
  const unsigned = { did, version: 3, data: after.tree.root, rev, prev: null }
  const sig = toBytes(signerOf(account).sign(encode(unsigned)))
  return { ...after, did, rev, commit: blockOf({ ...unsigned, sig }) }
}

function numberOf(did: string): number {
  const start = 'did:plc:'.length
  return [3, 2, 1, 0].reduce((sum, at) => sum * 26 + did.charCodeAt(start + at) - 97, 0)
}

function placeOf(seq: number): { account: number; commit: number } {
  const at = (seq - 1) % (ABREAST * COMMITS)
  const group = Math.floor((seq - 1) / (ABREAST * COMMITS))
  return { account: group * ABREAST + (at % ABREAST), commit: Math.floor(at / ABREAST) }
}

function revAt(seq: number): string {
  return revOf(BEGIN_MICROS + seq * 1_000)
}

function signerOf(account: number): Signer {
  const n = account % KEYS
  const signer = signers.get(n) ?? signerFromPrivateKey(digest(`stream ${n}`))
  signers.set(n, signer)
  return signer
}

/** One repo's commits: all records at once, then one after the other with another text. */
function makeTemplates(): Template[] {
  const made: Template[] = []
  let state: RepoState = firstState(didOf(0), { rev: revOf(1), signer: signerOf(0) })
  for (let n = 0; n < COMMITS; n += 1) {
    const signing = { rev: revOf(n + 2), signer: signerOf(0) }
    const step = change(state, n === 0 ? firstWrites() : [writeOf(n % RECORDS, n)], signing)
    made.push({
      body: n === 0 ? firstBody(step) : commitMessage(step, TIME).body,
      blocks: proofOf(step).slice(1),
      after: step.after,
    })
    state = step.after
  }
  return made
}

function firstBody(step: Change): Message['body'] {
  const { prevData: _, ...body } = commitMessage(step, TIME).body
  return body
}

function firstWrites(): Write[] {
  return Array.from({ length: RECORDS }, (_, at) => writeOf(at, 0))
}

/** The first of the records is ours. */
function writeOf(at: number, n: number): Write {
  const key = `3m6bkl222222${String.fromCharCode(97 + at)}`
  const createdAt = TIME
  if (at > 0) {
    const $type = 'app.bsky.feed.post'
    const text = `Number ${n} of many. `.repeat(10)
    return { path: `${$type}/${key}`, block: blockOf({ $type, text, createdAt }) }
  }
  const $type = 'co.kendev.spaces.message'
  const record = { $type, space: didOf(0), text: `Number ${n} of many`, createdAt }
  return { path: `${$type}/${key}`, block: blockOf(record) }
}
