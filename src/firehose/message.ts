import { BytesWrapper, CidLinkWrapper } from '@atcute/cbor'
import { isValidDid } from '@atproto/syntax'
import { LIMITS, type Refusal, refuse } from './refusal.ts'

/** One operation of a commit message, as the host tells it. */
export type OpMessage = {
  action: 'create' | 'update' | 'delete'
  path: string
  cid: CidLinkWrapper | null
  /** CID before the operation, where the host says so */
  prev: CidLinkWrapper | null
}

/** `#commit` of `com.atproto.sync.subscribeRepos`, shaped but not verified. */
export type CommitMessage = {
  kind: 'commit'
  seq: number
  did: string
  commit: CidLinkWrapper
  rev: string
  since: string | null
  prevData: CidLinkWrapper | null
  blocks: Uint8Array
  ops: OpMessage[]
  time: string
  /** the frame that it was read from */
  frame: Uint8Array
}

/** `#sync`, shaped but not verified. */
export type SyncMessage = {
  kind: 'sync'
  seq: number
  did: string
  rev: string
  blocks: Uint8Array
  time: string
  /** the frame that it was read from */
  frame: Uint8Array
}

export type IdentityMessage = { kind: 'identity'; seq: number; did: string; time: string }

export type AccountMessage = {
  kind: 'account'
  seq: number
  did: string
  active: boolean
  status?: string
  time: string
}

export type Message = CommitMessage | SyncMessage | IdentityMessage | AccountMessage

/** A decoded map with string keys. */
export type Fields = Record<string, unknown>

const MAX_TEXT = 256

/**
 * The message in a payload of type `type`; undefined for a type this consumer does not know.
 * `frame` is the whole that the payload was decoded from.
 */
export function parseMessage(
  type: string,
  fields: Fields,
  frame: Uint8Array,
): Message | Refusal | undefined {
  if (!['#commit', '#sync', '#identity', '#account'].includes(type)) return undefined
  const { seq, time } = fields
  const did = type === '#commit' ? fields['repo'] : fields['did']
  if (!isSeq(seq)) return refuse('BadMessage', 'seq')
  if (!isText(time)) return refuse('BadMessage', 'time')
  if (!isDid(did)) return refuse('BadMessage', 'did')
  if (type === '#commit') return parseCommit(fields, { seq, did, time, frame })
  if (type === '#sync') return parseSync(fields, { seq, did, time, frame })
  if (type === '#account') return parseAccount(fields, { seq, did, time })
  return { kind: 'identity', seq, did, time }
}

/** The account and number of a message that is otherwise wrong, as far as they can be read. */
export function addressOf(fields: Fields): { seq?: number; did: string } {
  const did = [fields['repo'], fields['did']].find(isDid) ?? ''
  const { seq } = fields
  return isSeq(seq) ? { seq, did } : { did }
}

type Envelope = { seq: number; did: string; time: string }
type Framed = Envelope & { frame: Uint8Array }

function parseCommit(fields: Fields, envelope: Framed): CommitMessage | Refusal {
  const { commit, rev, since, prevData = null, blocks, ops, tooBig } = fields
  if (tooBig === true) {
    return { ...refuse('TooBig', 'the host has left the operations out'), moved: true }
  }
  if (!(commit instanceof CidLinkWrapper)) return refuse('BadMessage', 'commit')
  if (!isText(rev)) return refuse('BadMessage', 'rev')
  if (!(since === null || isText(since))) return refuse('BadMessage', 'since')
  if (!isLinkOrNull(prevData)) return refuse('BadMessage', 'prevData')
  if (!(blocks instanceof BytesWrapper)) return refuse('BadMessage', 'blocks')
  if (blocks.buf.length > LIMITS.blocks) return refuse('BlocksTooLarge', `${blocks.buf.length}`)
  const parsed = parseOps(ops)
  if (!Array.isArray(parsed)) return parsed
  const told = { commit, rev, since, prevData, blocks: blocks.buf, ops: parsed }
  return { kind: 'commit', ...envelope, ...told }
}

function parseOps(value: unknown): OpMessage[] | Refusal {
  if (!Array.isArray(value)) return refuse('BadMessage', 'ops')
  if (value.length > LIMITS.ops) return refuse('TooManyOps', `${value.length}`)
  const ops: OpMessage[] = []
  for (const item of value as unknown[]) {
    const op = parseOp(item)
    if (op === undefined) return refuse('BadMessage', 'an operation')
    ops.push(op)
  }
  return ops
}

function parseOp(value: unknown): OpMessage | undefined {
  if (!isFields(value)) return undefined
  const { action, path, cid, prev = null } = value
  if (action !== 'create' && action !== 'update' && action !== 'delete') return undefined
  if (typeof path !== 'string' || !isLinkOrNull(cid) || !isLinkOrNull(prev)) return undefined
  return (cid === null) === (action === 'delete') ? { action, path, cid, prev } : undefined
}

function parseSync(fields: Fields, envelope: Framed): SyncMessage | Refusal {
  const { rev, blocks } = fields
  if (!isText(rev)) return refuse('BadMessage', 'rev')
  if (!(blocks instanceof BytesWrapper)) return refuse('BadMessage', 'blocks')
  if (blocks.buf.length > LIMITS.blocks) return refuse('BlocksTooLarge', `${blocks.buf.length}`)
  return { kind: 'sync', ...envelope, rev, blocks: blocks.buf }
}

function parseAccount(fields: Fields, envelope: Envelope): AccountMessage | Refusal {
  const { active, status } = fields
  if (typeof active !== 'boolean') return refuse('BadMessage', 'active')
  if (status === undefined) return { kind: 'account', ...envelope, active }
  if (!isText(status)) return refuse('BadMessage', 'status')
  return { kind: 'account', ...envelope, active, status }
}

/** Whether a decoded value is a map, and neither list, link nor bytes. */
export function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof CidLinkWrapper) &&
    !(value instanceof BytesWrapper)
  )
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT
}

function isDid(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2048 && isValidDid(value)
}

function isLinkOrNull(value: unknown): value is CidLinkWrapper | null {
  return value === null || value instanceof CidLinkWrapper
}
