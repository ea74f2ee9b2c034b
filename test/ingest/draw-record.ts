import { hash } from 'node:crypto'
import { CidLinkWrapper } from '@atcute/cbor'
import { type JsonValue, type LexValue, jsonToLex, lexToJson } from '@atproto/lex'
import { encode } from '@atproto/lex-cbor'
import { collections } from '../../src/appview/collections/index.ts'
import type { Collection, Example } from '../../src/appview/define.ts'
import { transfer } from '../../src/appview/collections/tokens/transfer.ts'
import { between } from '../fast/random.ts'
import type { Block } from '../simulator/tree.ts'

/** Who stands for those whom the collections' examples name. */
export type Cast = { author: string; space: string; others: readonly [string, string] }

/** A record with the path it belongs under; `bad` ones are kept and never shown. */
export type Drawn = { path: string; block: Block; bad: boolean }

const KEYS = 5
const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const CID_HEAD = Buffer.from([1, 0x71, 0x12, 32])

const isPublic = ({ audience }: Example): boolean => audience === undefined
/** What can be told on a firehose and be about anybody. Records of the token ledger are good for
 *  the names that their hashes and signatures cover, and for no cast of others. */
const PUBLIC = collections.filter(
  ({ access, nsid }) => access.places !== 'permissioned' && areaOf(nsid) !== areaOf(transfer.nsid),
)

function areaOf(nsid: string): string {
  return nsid.slice(0, nsid.lastIndexOf('.'))
}

/** A record of a collection: one of its examples, about accounts that are there, at some moment. */
export function drawRecord(random: () => number, cast: Cast): Drawn {
  const c = pick(random, PUBLIC)
  const bad = Object.values(c.examples.bad).filter(isPublic)
  const isBad = bad.length > 0 && random() < 0.05
  const example = pick(random, isBad ? bad : c.examples.good.filter(isPublic))
  const replies = c.table === 'message' && !isBad && repliesOf(random)
  const { rkey, record } = example
  const whole = { rkey, record: { ...record, ...replies } }
  return { ...recordOf(c, whole, { random, cast }), bad: isBad }
}

/** The record of a space that admits somebody. */
export function admission(space: string, subject: string): Drawn {
  const c = collections.find(({ table }) => table === 'membership')!
  const [example] = c.examples.good
  const cast: Cast = { author: space, space, others: [subject, subject] }
  return { ...recordOf(c, { rkey: undefined, ...example! }, { random: () => 0, cast }), bad: false }
}

/** A record of a collection that is not ours. */
export function strangeRecord(random: () => number): Drawn {
  const record = { $type: 'app.bsky.feed.like', n: between(random, 0, 1_000_000) }
  const path = `app.bsky.feed.like/3m6bkl222222${keyOf(random)}`
  return { path, block: blockOf(record), bad: false }
}

function recordOf(
  c: Collection,
  { rkey, record }: Pick<Example, 'record'> & { rkey: string | undefined },
  { random, cast }: { random: () => number; cast: Cast },
): Omit<Drawn, 'bad'> {
  const names = (text: string) =>
    text
      .replaceAll('did:plc:alice', cast.author)
      .replaceAll('did:plc:garage', cast.space)
      .replaceAll('did:plc:ben', cast.others[0])
      .replaceAll('did:plc:ada', cast.others[1])
      .replaceAll('spaces.message/3k', () => `spaces.message/3m6bkl222222${keyOf(random)}`)
      .replaceAll(/2026-11-23T10:00:00Z/g, () => drawTime(random))
  const whole = { $type: c.nsid, ...record }
  const json = names(JSON.stringify(lexToJson(whole as LexValue)))
  const key = rkey === undefined ? `3m6bkl222222${keyOf(random)}` : names(rkey)
  return { path: `${c.nsid}/${key}`, block: blockOf(jsonToLex(JSON.parse(json) as JsonValue)) }
}

/** Where a message stands, so that there is much to count. */
function repliesOf(random: () => number): object {
  const at = (who: string, table: string) => `at://did:plc:${who}/co.kendev.spaces.${table}`
  const channel = `${at('garage', 'channel')}/3m6bkl222222${keyOf(random)}`
  const ref = { uri: `${at('ben', 'message')}/3k`, cid: CID }
  const [inChannel, isReply] = [random() < 0.6, random() < 0.4]
  return { ...(inChannel && { channel }), ...(isReply && { reply: { root: ref, parent: ref } }) }
}

function blockOf(value: unknown): Block {
  const bytes = encode(value as LexValue)
  const cid = new CidLinkWrapper(Buffer.concat([CID_HEAD, hash('sha256', bytes, 'buffer')]))
  return { cid, link: cid.$link, bytes }
}

/** One of a list. */
export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[between(random, 0, list.length - 1)]!
}

function keyOf(random: () => number): string {
  return String.fromCharCode(97 + between(random, 0, KEYS - 1))
}

function drawTime(random: () => number): string {
  return new Date(Date.UTC(2025, 0, 1) + between(random, 0, 20_000_000) * 1000).toISOString()
}
