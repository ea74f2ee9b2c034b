import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Asker } from '../leaks/ask.ts'
import type { Part } from '../leaks/cast.ts'
import { reads, STANDS } from '../leaks/expected-access.ts'
import { type Anchor, allMethods, anchorsOf, askEverything } from '../leaks/methods.ts'
import { plant } from '../leaks/plant.ts'
import { publicSurface } from '../leaks/public-surface.ts'
import { readRaw } from '../leaks/raw-reads.ts'
import { type Hit, type Seen, writtenAs } from '../leaks/sentinels.ts'
import { type Story, askerOf, tellStory } from '../leaks/story.ts'
import { listenToAll, remoteAsker } from '../leaks/streams.ts'
import { ownRecord, placeOf } from '../leaks/write-everything.ts'
import type { Person } from '../person.ts'

let story: Story
let anchors: Anchor[]
/** Everything that was seen, by the channel it came through. */
const surface = new Map<string, Seen[]>()
const methods = allMethods()
const OUTSIDE = ['stranger', 'elsewhere', 'removed', 'suspended', 'guest'] as const
const INSIDE = ['viewer', 'member', 'moderator', 'admin', 'owner'] as const
/** Much more than it takes; a machine may have other things to do. */
const SLOW = { timeout: 900_000 }

beforeAll(async () => {
  story = await tellStory()
  anchors = knownAbout(story)
}, 600_000)

afterAll(async () => {
  await story?.[Symbol.asyncDispose]()
}, 300_000)

function knownAbout({ kept, sentinels, cast }: Story): Anchor[] {
  const handles = new Map([[cast.shop, 'corner-shop.node1.test']])
  return anchorsOf(kept, { handles, member: cast.people.member.did, sentinels })
}

function told(hits: readonly Hit[]): string[] {
  return hits.map(({ sentinel: { what, place }, from }) => `${what} of ${place || '-'} in ${from}`)
}

/** Keeps what was seen in a channel; answers what private showed in it. */
function found(channel: string, seen: readonly Seen[]): string[] {
  surface.set(channel, [...seen])
  return told(story.sentinels.hits(seen))
}

function outsiders(): Asker[] {
  const { nodes, cast, eve } = story
  const [a, b] = nodes
  return [
    askerOf('nobody', a.url),
    askerOf('nobody at the other node', b.url),
    askerOf('a stranger at the other node', b.url, eve),
    askerOf('a stranger through the other node', b.url, eve, a.service),
    ...OUTSIDE.map((part) => askerOf(part, a.url, cast.people[part])),
  ]
}

/** The places that somebody reads by their role. */
function placesOf(part: Part): string[] {
  const closed = STANDS.filter(({ audience }) => audience !== 'public')
  return closed.filter((stand) => reads(part, stand)).map((stand) => placeOf(story.cast, stand))
}

/** One more secret in every place, while others listen. */
async function talk(): Promise<void> {
  const { cast, sentinels } = story
  for (const stand of STANDS.filter(({ audience }) => audience !== 'public')) {
    const place = placeOf(cast, stand)
    const collection = 'co.kendev.spaces.message'
    const text = sentinels.make(place, 'what is said meanwhile')
    const record = { space: cast[stand.space], text, createdAt: new Date().toISOString() }
    await ownRecord(cast.people.owner, { collection, rkey: story.nextTid(), place }, record)
  }
}

test('nothing private is in what nodes show everybody', SLOW, async () => {
  const { nodes, kept, blobs } = story
  for (const [channel, seen] of await publicSurface(nodes, kept, blobs)) {
    if (channel !== 'labels') expect(seen.length, channel).toBeGreaterThan(0)
    expect.soft(found(channel, seen), channel).toEqual([])
  }
})

test('no method tells outsiders anything', SLOW, async () => {
  for (const asker of outsiders()) {
    const seen = await askEverything(asker, methods, anchors)
    const channel = `methods, asked by ${asker.name}`
    expect.soft(found(channel, seen), channel).toEqual([])
  }
})

test('no stream tells outsiders anything', SLOW, async () => {
  const { nodes, cast, eve } = story
  const [a, b] = nodes
  const remote = (nsid: string) => remoteAsker('a stranger of elsewhere', eve, { node: a, nsid })
  const listeners: [string, (nsid: string) => Asker | Promise<Asker>][] = [
    ['nobody', () => askerOf('nobody', a.url)],
    ['nobody at the other node', () => askerOf('nobody', b.url)],
    ['a stranger at the other node', () => askerOf('eve', b.url, eve)],
    ['a stranger of elsewhere', remote],
    ...OUTSIDE.map((part): [string, () => Asker] => [
      part,
      () => askerOf(part, a.url, cast.people[part]),
    ]),
  ]
  let talking: Promise<void> | undefined
  const during = () => (talking ??= talk())
  const all = await Promise.all(
    listeners.map(async ([name, who]) => {
      const seen = await listenToAll(who, methods, anchors, during)
      return [`streams, heard by ${name}`, seen] as const
    }),
  )
  for (const [channel, seen] of all) expect.soft(found(channel, seen), channel).toEqual([])
})

test('members, staff and managers are shown what their role reads, and no more', SLOW, async () => {
  const { nodes, cast, ben, sentinels } = story
  const [a, b] = nodes
  const queries = methods.filter(({ kind }) => kind === 'query')
  const members = placeOf(cast, { space: 'club', audience: 'members' })
  const readers: [Asker, string[]][] = [
    ...INSIDE.map((part): [Asker, string[]] => [
      askerOf(part, a.url, cast.people[part]),
      placesOf(part),
    ]),
    [askerOf('a member through the other node', b.url, ben, a.service), [members]],
    [askerOf('a member at the other node', b.url, ben), [members]],
  ]
  for (const [asker, places] of readers) {
    const rows = await askEverything(asker, queries, anchors)
    const streams = await listenToAll(
      (nsid) =>
        asker.headers?.['atproto-proxy'] ? remoteAsker(asker.name, ben, { node: a, nsid }) : asker,
      methods,
      anchors,
      async () => undefined,
    )
    const hits = sentinels.hits([...rows, ...streams])
    const beyond = hits.filter(({ sentinel }) => !places.includes(sentinel.place))
    expect.soft(told(beyond), asker.name).toEqual([])
    const seen = new Set(hits.map(({ sentinel }) => sentinel.place))
    expect.soft([...seen].toSorted(), asker.name).toEqual(places.toSorted())
    surface.set(`rows and streams, for ${asker.name}`, [...rows, ...streams])
  }
})

test('a credential opens its space, and is given to its readers only', SLOW, async () => {
  const { nodes, cast, ben, eve, kept, blobs, sentinels } = story
  const [a, b] = nodes
  const people: [string, Person, string[]][] = [
    ...[...INSIDE, ...OUTSIDE].map((part): [string, Person, string[]] => [
      part,
      cast.people[part],
      placesOf(part),
    ]),
    ['ben', ben, [placeOf(cast, { space: 'club', audience: 'members' })]],
    ['eve', eve, []],
  ]
  const places = new Set(kept.map(({ place }) => place))
  for (const [name, who, may] of people)
    for (const space of places) {
      const raw = await readRaw(who, { home: a.url, host: a.url, space }, { kept, blobs })
      expect.soft(raw !== undefined, `${name} is given ${space}`).toBe(may.includes(space))
      if (!raw) continue
      if (who === ben)
        raw.push(...(await readRaw(who, { home: b.url, host: a.url, space }, { kept, blobs }))!)
      const hits = sentinels.hits(raw)
      expect.soft(hits.length, `${name} reads ${space}`).toBeGreaterThan(10)
      const beyond = hits.filter(({ sentinel }) => sentinel.place !== space)
      expect.soft(told(beyond), `${name} with ${space}`).toEqual([])
      surface.set('raw repos', raw)
    }
})

test('no log line of either node says anything private', () => {
  expect(story.logs.length).toBeGreaterThan(100)
  expect(found('log', story.logs)).toEqual([])
})

test('a secret that gets out is found wherever it goes', SLOW, async () => {
  const { nodes, cast, sentinels, logs } = story
  const [a] = nodes
  const { text, kept, blob } = await plant(story)
  const nobody = askerOf('nobody', a.url)
  const handles = new Map<string, string>()
  const known = anchorsOf([kept], { handles, member: cast.people.member.did, sentinels })
  // The words to search for are not what is looked for.
  const about = known.map((anchor) => ({ ...anchor, space: cast.shop, words: ['red'] }))
  const isThere = (channel: string, seen: readonly Seen[]) =>
    expect
      .soft(
        sentinels.hits(seen).some(({ sentinel }) => sentinel.text === text),
        channel,
      )
      .toBe(true)
  await eventually(async () => {
    const seen = await askEverything(
      nobody,
      methods.filter(({ kind }) => kind === 'query'),
      about,
    )
    if (sentinels.hits(seen).length === 0) throw new Error('the views do not have it yet')
  })
  const everybody = await publicSurface(nodes, [kept], [blob])
  for (const channel of ['firehose', 'sync', 'repo', 'images'])
    isThere(channel, everybody.get(channel)!)
  isThere('methods', await askEverything(nobody, methods, about))
  isThere(
    'streams',
    await listenToAll(
      () => nobody,
      methods,
      about,
      async () => undefined,
    ),
  )
  isThere('log', logs)
})

test('whatever shows in a channel is found, however it is written', () => {
  const sentinel = story.sentinels.all[0]!
  const forms = Object.entries(writtenAs(sentinel.text))
  for (const [channel, seen] of surface)
    for (const [form, text] of forms) {
      const { from = '', bytes = Buffer.of() } = seen.at(-1) ?? {}
      const middle = Math.floor(bytes.length / 2)
      const leak = Buffer.concat([
        bytes.subarray(0, middle),
        Buffer.from(text, 'latin1'),
        bytes.subarray(middle),
      ])
      const hits = story.sentinels.hits([{ from, bytes: leak }])
      expect(
        hits.map((hit) => hit.sentinel),
        `${form} in ${channel}`,
      ).toContain(sentinel)
    }
  expect(surface.size).toBeGreaterThan(30)
})
