import { type JsonValue, type LexValue, lexToJson } from '@atproto/lex'
import { checkRecord } from '../../src/appview/check-record.ts'
import { collections } from '../../src/appview/collections/index.ts'
import type { Collection } from '../../src/appview/define.ts'
import { audienceUri } from '../../src/permissioned/audience.ts'
import { createTids } from '../../src/tid.ts'
import type { Person } from '../person.ts'
import { type Cast, MONETIZATION, TIER } from './cast.ts'
import { AUTHORS, STANDS, type Stand } from './expected-access.ts'
import { filledRecord } from './filled-record.ts'
import type { Sentinels } from './sentinels.ts'

/** A record as it stands in a repo. */
export type Kept = {
  /** The permissioned space; empty in a public repo. */
  readonly place: string
  readonly author: string
  readonly collection: string
  readonly rkey: string
  readonly cid: string
  readonly value: Readonly<Record<string, unknown>>
}

/** What records are written with. */
export type Writing = {
  readonly cast: Cast
  /** Makes a text for those who read that place. */
  readonly make: (place: string, what: string) => string
  readonly nextTid: () => string
}

/** Where it is to go, and what has been written before it. */
export type One = {
  readonly c: Collection
  readonly stand: Stand
  readonly kept: readonly Kept[]
} & {
  /** Whom it is about, where it is about somebody; a member unless said. */
  readonly subject?: string
}

/** Writes a record of every collection that may stand in a permissioned repo, for each audience. */
export async function writeEverything(cast: Cast, sentinels: Sentinels): Promise<Kept[]> {
  const w: Writing = {
    cast,
    make: (place, what) => sentinels.make(place, what),
    nextTid: createTids({ now: () => new Date() }),
  }
  const kept: Kept[] = []
  for (const stand of STANDS.filter(({ audience }) => audience !== 'public'))
    for (const c of inOrder(collections).filter((one) => standsIn(one, stand)))
      kept.push(await writeOne(w, { c, stand, kept }))
  for (const { cid, rkey, place, collection } of kept) {
    if (cid) sentinels.add({ text: cid, place, what: `CID of a ${collection}` })
    // A key that an example says stands in several places, and tells of none.
    const elsewhere = kept.some((other) => other.rkey === rkey && other.place !== place)
    if (rkey.length > 10 && !rkey.startsWith('did:') && !elsewhere)
      sentinels.add({ text: rkey, place, what: `key of a ${collection}` })
  }
  return kept
}

/** What others are about comes first. */
export function inOrder(all: readonly Collection[]): Collection[] {
  const rank = ({ nsid }: Collection) => (nsid.endsWith('.reaction') ? 1 : 0)
  return all.toSorted((x, y) => rank(x) - rank(y))
}

/** Collections whose records come about by joining, which the cast has done. */
export const BY_JOINING: readonly string[] = [
  'co.kendev.spaces.membership',
  'co.kendev.spaces.membershipRequest',
]

type Made = Pick<Kept, 'rkey' | 'value'>

/** How a space's own methods make a record of some kinds, without anybody of the cast losing or
 *  gaining anything. */
const METHODS: Readonly<Record<string, (w: Writing, one: One, space: string) => Promise<Made>>> = {
  'co.kendev.spaces.restriction': async ({ cast, make }, { stand }, space) => {
    const member = 'did:plc:nobodyofthecast234567abc'
    const reason = make(placeOf(cast, stand), 'a reason')
    const body = { space, member, status: 'banned', reason }
    await cast.people.owner.call('co.kendev.spaces.updateMember', body)
    return { rkey: member, value: { reason } }
  },
  'co.kendev.spaces.channelPermission': async ({ cast }, { kept, stand }, space) => {
    const { owner, member } = cast.people
    const place = placeOf(cast, stand)
    const found = kept.find((k) => k.place === place && k.collection.endsWith('.channel'))!
    const channel = `${found.place}/${space}/${found.collection}/${found.rkey}`
    const body = { space, member: member.did, channel, access: 'write' }
    await owner.call('co.kendev.spaces.setChannelPermission', body)
    return { rkey: `${found.rkey}:${member.did}`, value: { access: 'write' } }
  },
  'co.kendev.spaces.subscription': async ({ cast }, _one, space) => {
    const { member } = cast.people
    await member.call('co.kendev.spaces.subscribe', { space, tier: TIER.key })
    return { rkey: member.did, value: { plan: TIER.key } }
  },
}

/** Collections whose records a space's own methods write, and nobody else. */
export const BY_METHOD: readonly string[] = Object.keys(METHODS)

/** Whether a collection has records there: what is never public has one audience of its own, and
 *  what there is one of in a space stands where the space does. */
export function standsIn({ nsid, access, examples }: Collection, stand: Stand): boolean {
  if (access.of === 'tenant') return false
  const { space, audience } = stand
  const own = audience === (space === 'club' ? 'members' : 'public')
  if (access.places === 'public') return audience === 'public'
  if (access.places === 'permissioned') return (access.audience ?? 'members') === audience
  const one = BY_JOINING.includes(nsid) || examples.good.some(({ rkey }) => rkey === 'self')
  return one ? own : true
}

/** The place of a stand; empty for everybody's. */
export function placeOf(cast: Cast, { space, audience }: Stand): string {
  return audience === 'public' ? '' : audienceUri(cast[space], audience)
}

/** Writes one record the way its collection is written, for those who read the stand. */
export async function writeOne(w: Writing, one: One): Promise<Kept> {
  const { c, stand } = one
  const { owner, member } = w.cast.people
  const space = w.cast[stand.space]
  const place = placeOf(w.cast, stand)
  const writer = w.cast.people[AUTHORS[stand.audience]]
  const byJoining = BY_JOINING.indexOf(c.nsid)
  const here = { place, collection: c.nsid, cid: '' }
  const [joinedAt, createdAt] = [NOW, NOW]
  if (byJoining === 0) {
    const value = { subject: member.did, role: 'member', joinedAt }
    return { ...here, author: space, rkey: member.did, value }
  }
  if (byJoining === 1)
    return { ...here, author: member.did, rkey: space, value: { space, createdAt } }
  const method = METHODS[c.nsid]
  if (method) return { ...here, author: space, ...(await method(w, one, space)) }
  const author = c.access.manage ? space : writer.did
  const example = await exampleFor(w, one, one.subject ?? member.did)
  // News of a feature count by whose feature it is only.
  const { feature } = example.record as { feature?: { uri: string } }
  if (feature) feature.uri = feature.uri.replace(/did:plc:\w+/, author)
  const rkey = example.rkey ?? w.nextTid()
  const at = { did: author, collection: c.nsid, rkey, place }
  const record = filledRecord(c.nsid, example.record, {
    make: (field) => w.make(place, field),
    fits: (it) => fits(at, { $type: c.nsid, ...it }),
  })
  // A channel that keeps most people out tells nothing of its audience.
  const { accessControl } = record as { accessControl?: { allowedRoles?: unknown } }
  delete accessControl?.allowedRoles
  const audience = stand.audience === 'public' ? {} : { audience: stand.audience }
  const answer = c.access.manage
    ? await owner.call<{ cid: string }>('co.kendev.spaces.putRecord', {
        space,
        collection: c.nsid,
        rkey,
        record,
        ...audience,
      })
    : await ownRecord(writer, at, record)
  return { ...here, author, rkey, cid: answer.cid, value: record }
}

const NOW = new Date().toISOString()

/** Written by its author at their own PDS. */
export async function ownRecord(
  who: Person,
  at: { collection: string; rkey: string; place: string },
  record: object,
): Promise<{ uri: string; cid: string }> {
  const { collection, rkey, place: space } = at
  const value = { $type: collection, ...record }
  if (space === '')
    return who.call('com.atproto.repo.putRecord', {
      repo: who.did,
      collection,
      rkey,
      record: value,
    })
  const create = { $type: 'com.atproto.space.applyWrites#create', collection, rkey, value }
  const { results } = await who.call<{ results: { uri: string; cid: string }[] }>(
    'com.atproto.space.applyWrites',
    { space, repo: who.did, writes: [create] },
  )
  return results[0]!
}

/** An example that may stand there, about these accounts and about what has been written. */
async function exampleFor(
  w: Writing,
  { c, stand, kept }: One,
  subject: string,
): Promise<{ rkey?: string; record: Record<string, unknown> }> {
  const { good } = c.examples
  const open = stand.audience === 'public'
  const example = good.find((e) => (e.audience === undefined) === open) ?? good[0]!
  const json = lexToJson(example.record as LexValue) as Record<string, JsonValue>
  const record: Record<string, JsonValue> = await withFiles(w, w.cast[stand.space], json)
  if ('space' in record) record['space'] = w.cast[stand.space]
  if (c.nsid.endsWith('.space')) record['monetization'] = MONETIZATION
  if (typeof record['channel'] === 'string')
    record['channel'] = record['channel'].replace(/did:plc:\w+/, w.cast[stand.space])
  if (typeof record['subject'] === 'string') record['subject'] = subject
  const about = record['subject'] as { uri?: string } | undefined
  if (about?.uri) record['subject'] = messageOf(kept, placeOf(w.cast, stand))
  const rkey = example.rkey?.startsWith('did:') ? subject : example.rkey
  return { ...(rkey && { rkey }), record }
}

/** With files that are there in place of those the example makes up. */
async function withFiles(
  { cast }: Writing,
  space: string,
  record: Record<string, JsonValue>,
): Promise<Record<string, JsonValue>> {
  const entries = await Promise.all(
    Object.entries(record).map(async ([name, value]) => {
      const { $type, mimeType } = (value ?? {}) as { $type?: string; mimeType?: string }
      if ($type !== 'blob') return [name, value] as const
      const { url, token } = { url: cast.url, token: cast.people.owner.token }
      const response = await fetch(`${url}/xrpc/co.kendev.spaces.uploadBlob?space=${space}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': mimeType! },
        body: 'a file',
      })
      return [name, ((await response.json()) as { blob: JsonValue }).blob] as const
    }),
  )
  return Object.fromEntries(entries)
}

function messageOf(kept: readonly Kept[], place: string) {
  const found = kept.findLast((k) => k.place === place && k.collection.endsWith('.message'))!
  return { uri: `at://${found.author}/${found.collection}/${found.rkey}`, cid: found.cid }
}

function fits(at: Parameters<typeof checkRecord>[0], record: Record<string, unknown>): boolean {
  try {
    checkRecord(at, record)
    return true
  } catch {
    return false
  }
}
