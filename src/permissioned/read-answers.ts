import { isValidDid, isValidNsid, isValidRecordKey, isValidTid } from '@atproto/syntax'
import { OutboundError } from '../outbound/outbound-error.ts'
import { cidBytes } from './cid-bytes.ts'
import { commitFromJson } from './commit-json.ts'
import { blockOfJson } from './record-block.ts'
import type { ListedRepo, OpsPage, RepoOp, RepoPage } from './space-api.ts'

/** An answer that is an object. */
export type Fields = Readonly<Record<string, unknown>>

/** The longest cursor that is kept; it goes into a URL and into Postgres. */
const CURSOR_MAX = 1_024
const CREDENTIAL_MAX = 4_096
const DIGEST = 32
const DIGEST_TEXT_MAX = 64

/** Reads the page of `listRepos`. Throws `NotJson` for one that breaks the schema: to leave out
 *  what can't be read would move the checkpoint over it. */
export function repoPage(answer: Fields, limit: number): RepoPage {
  const repos = listOf(answer, 'repos', limit).map(listedRepo)
  const cursor = cursorOf(answer)
  return { repos, ...(cursor !== undefined && { cursor }) }
}

function listedRepo(item: unknown): ListedRepo {
  const { did, repoRev, hash, spaceRev } = fieldsOf(item)
  const digest = digestOf(hash)
  if (typeof did !== 'string' || !isValidDid(did) || digest === undefined) throw wrong('a repo')
  if (!isTid(repoRev) || typeof spaceRev !== 'string' || !isCursor(spaceRev)) throw wrong('a repo')
  return { did, repoRev, hash: digest, spaceRev }
}

/** Reads the page of `listRepoOps`; throws `NotJson` for one that breaks the schema. */
export function opsPage(answer: Fields, limit: number): OpsPage {
  const ops = listOf(answer, 'ops', limit).map(repoOp)
  const cursor = cursorOf(answer)
  if (cursor !== undefined) return { ops, cursor }
  const commit = commitFromJson(answer['commit'])
  return { ops, ...(commit !== undefined && { commit }) }
}

function repoOp(item: unknown): RepoOp {
  const { rev, collection, rkey, cid, prev, value } = fieldsOf(item)
  if (!isTid(rev)) throw wrong('the rev of an operation')
  if (typeof collection !== 'string' || !isValidNsid(collection)) throw wrong('a collection')
  if (typeof rkey !== 'string' || !isValidRecordKey(rkey)) throw wrong('a record key')
  if (!isLink(cid) || !isLink(prev)) throw wrong('a CID')
  const op = { rev, collection, rkey, cid, prev }
  const bytes = cid === null || value === undefined ? undefined : blockOfJson(value, cid)
  return bytes === undefined ? op : { ...op, bytes }
}

/** Reads the answer of `getSpaceCredential`. */
export function credentialAnswer({ credential }: Fields): string {
  const isToken = typeof credential === 'string' && /^[A-Za-z0-9._-]+$/u.test(credential)
  if (!isToken || credential.length > CREDENTIAL_MAX) throw wrong('the credential')
  return credential
}

/** Reads the answer of `registerNotify`. */
export function registrationEnd({ expiresAt }: Fields): Date {
  const until = new Date(typeof expiresAt === 'string' ? expiresAt : NaN)
  if (Number.isNaN(until.getTime())) throw wrong('expiresAt')
  return until
}

/** The answer as an object; throws `NotJson` for anything else. */
export function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('an object')
  return value as Fields
}

function listOf(answer: Fields, name: string, limit: number): readonly unknown[] {
  const list = answer[name]
  if (!Array.isArray(list) || list.length > limit) throw wrong(name)
  return list
}

/** An empty cursor is none. */
function cursorOf({ cursor }: Fields): string | undefined {
  if (cursor === undefined || cursor === null || cursor === '') return undefined
  if (typeof cursor !== 'string' || !isCursor(cursor)) throw wrong('the cursor')
  return cursor
}

function isCursor(text: string): boolean {
  return text !== '' && text.length <= CURSOR_MAX && !text.includes('\0') && text.isWellFormed()
}

function isTid(value: unknown): value is string {
  return typeof value === 'string' && isValidTid(value)
}

function isLink(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && cidBytes(value) !== undefined)
}

function digestOf(value: unknown): Uint8Array | undefined {
  const text = (value as { $bytes?: unknown } | null | undefined)?.$bytes
  if (typeof text !== 'string' || text.length > DIGEST_TEXT_MAX) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === DIGEST ? bytes : undefined
}

function wrong(what: string): OutboundError {
  return new OutboundError('NotJson', `${what} is missing or not as the schema says`)
}
