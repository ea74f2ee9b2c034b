import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { writeCarStream } from '@atcute/car'
import { CidLinkWrapper, encode, toBytes } from '@atcute/cbor'
import { Secp256k1Keypair } from '@atproto/crypto'
import { cidKey } from '../src/firehose/car.ts'
import { encodeMstNode, layerOf, linkOf, nodeLink } from '../src/firehose/mst-node.ts'
import type { Identity } from '../src/identity/identity.ts'
import { fileOf } from '../src/rebuild/sources.ts'
import { createTids } from '../src/tid.ts'

const AREA = 'co.kendev'
const CHANNELS = 'abcdefgh'
const BEGAN = Date.parse('2026-01-01T00:00:00Z')

type Blocks = Map<string, Uint8Array>

/** The DID of the n-th person of a bench. */
export function didOf(n: number): string {
  const digits = 'abcdefghijklmnopqrstuvwxyz'
  return `did:plc:${digits[Math.floor(n / 26) % 26]}${digits[n % 26]}${'a'.repeat(22)}`
}

/** Writes the CAR of one person's repo: messages in the first one's space, reactions to them, and
 *  products, signed and in a tree like anybody's. Answers who that is. */
export async function writeRepo(
  folder: string,
  { n, people, records }: { n: number; people: number; records: number },
): Promise<Identity> {
  const did = didOf(n)
  const key = await Secp256k1Keypair.create()
  const blocks: Blocks = new Map()
  const entries = [...recordsOf(n, people, records)]
    .map(([path, record]) => [path, keep(blocks, encode(record))] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const layer = Math.max(...entries.map(([path]) => layerOf(path)))
  const data = linkOf(treeOf(blocks, entries, layer)!)
  const rev = createTids({ now: () => new Date(BEGAN + 1e9) })()
  const unsigned = { did, version: 3, data, rev, prev: null }
  const sig = toBytes(await key.sign(encode(unsigned)))
  const root = linkOf(keep(blocks, encode({ ...unsigned, sig })))
  const list = [...blocks].map(([cid, bytes]) => ({ cid: linkOf(cid).bytes, data: bytes }))
  const parts = await Array.fromAsync(writeCarStream([root], list))
  await writeFile(fileOf(folder, did), Buffer.concat(parts))
  const pds = 'https://pds.example.net'
  return { did, signingKey: key.did(), pds, document: { id: did } }
}

function keep(blocks: Blocks, bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest()
  const cid = cidKey(Buffer.concat([Buffer.from([1, 0x71, 0x12, 32]), digest]))
  blocks.set(cid, bytes)
  return cid
}

/** The tree of keys that are on `layer` or below. */
function treeOf(
  blocks: Blocks,
  entries: readonly (readonly [string, string])[],
  layer: number,
): string | null {
  if (entries.length === 0) return null
  const here = entries.flatMap(([path], at) => (layerOf(path) === layer ? [at] : []))
  const ends = [...here, entries.length]
  const kids = ends.map((end, n) => {
    return treeOf(blocks, entries.slice(n === 0 ? 0 : here[n - 1]! + 1, end), layer - 1)
  })
  const [keys, values] = [here.map((at) => entries[at]![0]), here.map((at) => entries[at]![1])]
  const block = encodeMstNode({ keys, values, kids })
  const link = nodeLink(block)
  blocks.set(link, block)
  return link
}

const WORDS = 'the lift is free on friday bring the estimate for brakes and oil please'.split(' ')

function* recordsOf(n: number, people: number, count: number): Generator<[string, object]> {
  const [did, space] = [didOf(n), didOf(0)]
  const at = (second: number) => new Date(BEGAN + second * 1_000).toISOString()
  const channel = (c: number) =>
    `at://${space}/${AREA}.spaces.channel/3mchannel222${CHANNELS[c % CHANNELS.length]}`
  if (n === 0) yield* spaceRecords(people, at(0))
  let micros = BEGAN
  const nextTid = createTids({ now: () => new Date(micros++) })
  let about = { uri: '', cid: '' }
  for (let i = 0; i < count; i++) {
    const createdAt = at(i)
    const text = Array.from({ length: 14 }, (_, w) => WORDS[(i * 7 + w * 5) % WORDS.length]).join(
      ' ',
    )
    const rkey = nextTid()
    const kind = i % 20
    if (kind < 14 || about.uri === '') {
      const record = {
        $type: `${AREA}.spaces.message`,
        space,
        channel: channel(i),
        text,
        createdAt,
      }
      about = { uri: `at://${did}/${AREA}.spaces.message/${rkey}`, cid: cidOf(record) }
      yield [`${AREA}.spaces.message/${rkey}`, record]
    } else if (kind < 17) {
      const emoji = ['🔧', '👍', '🚗'][i % 3]!
      const record = { $type: `${AREA}.spaces.reaction`, subject: about, space, emoji, createdAt }
      yield [`${AREA}.spaces.reaction/${rkey}`, record]
    } else {
      const record = { title: `Part ${i} ${text}`, productType: 'physical', createdAt }
      yield [`${AREA}.commerce.product/${rkey}`, { $type: `${AREA}.commerce.product`, ...record }]
    }
  }
}

function* spaceRecords(people: number, createdAt: string): Generator<[string, object]> {
  const space = didOf(0)
  const about = { name: 'Corner Garage', visibility: 'public', createdAt }
  yield [`${AREA}.spaces.space/self`, { $type: `${AREA}.spaces.space`, ...about }]
  for (const c of CHANNELS) {
    const record = { $type: `${AREA}.spaces.channel`, space, name: `channel ${c}`, createdAt }
    yield [`${AREA}.spaces.channel/3mchannel222${c}`, record]
  }
  for (let p = 1; p < people; p++) {
    const member = { subject: didOf(p), role: 'member', joinedAt: createdAt }
    const record = { $type: `${AREA}.spaces.membership`, ...member }
    yield [`${AREA}.spaces.membership/${didOf(p)}`, record]
  }
}

function cidOf(record: object): string {
  const digest = createHash('sha256').update(encode(record)).digest()
  return new CidLinkWrapper(Buffer.concat([Buffer.from([1, 0x71, 0x12, 32]), digest])).$link
}
