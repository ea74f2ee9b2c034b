import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { rebuild } from '../../src/commands/rebuild.ts'
import { eventually } from '../eventually.ts'
import type { Asker } from '../leaks/ask.ts'
import { getOf } from '../leaks/attempts.ts'
import { BUSINESS, type BusinessWorld, type Part, businessWorld } from '../leaks/business-world.ts'
import { type Anchor, allMethods, anchorsOf, askEverything } from '../leaks/methods.ts'
import { publicSurface } from '../leaks/public-surface.ts'
import { readRaw } from '../leaks/raw-reads.ts'
import type { Hit } from '../leaks/sentinels.ts'
import { askerOf } from '../leaks/story.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { runHere } from '../run-here.ts'

/** Much more than it takes; a machine may have other things to do. */
const SLOW = { timeout: 900_000 }
const methods = allMethods()
const queries = methods.filter(({ kind }) => kind === 'query')

let world: BusinessWorld
let anchors: Anchor[]

beforeAll(async () => {
  world = await businessWorld()
  const { kept, people, sentinels, tenant } = world
  const handles = new Map([[tenant, 'first-shop.node1.test']])
  anchors = anchorsOf(kept, { handles, member: people.member.did, sentinels })
  // What another process wrote is looked for now and then.
  for (const one of kept)
    await eventually(() => people.admin.get(getOf(kindOf(one)), { uri: uriOf(one) }), 30_000)
}, 600_000)
afterAll(async () => world?.[Symbol.asyncDispose](), 300_000)

type Kept = BusinessWorld['kept'][number]
const uriOf = ({ place, author, collection, rkey }: Kept) =>
  `${place}/${author}/${collection}/${rkey}`
const kindOf = ({ collection }: Kept) => BUSINESS.find(({ nsid }) => nsid === collection)!

/** The places that somebody reads. */
function placesOf(part: Part | 'anonymous' | 'ben'): string[] {
  const { places, people, ben } = world
  const customers = [people.customer, people.otherCustomer, ben].map(({ did }) => places[did]!)
  const [members, staff, managers] = ['members', 'staff', 'managers'].map((name) => places[name]!)
  const byPart: Partial<Record<typeof part, string[]>> = {
    admin: [members!, staff!, managers!, ...customers],
    manager: [members!, staff!, ...customers],
    member: [members!],
    customer: [customers[0]!],
    otherCustomer: [customers[1]!],
    ben: [customers[2]!],
  }
  const filled = new Set(world.kept.map(({ place }) => place))
  return (byPart[part] ?? []).filter((place) => filled.has(place))
}

const PARTS = [
  'admin',
  'manager',
  'member',
  'customer',
  'otherCustomer',
  'stranger',
  'otherAdmin',
] as const

function told(hits: readonly Hit[]): string[] {
  const short = hits.map(({ sentinel: { what, place }, from }) => `${what} of ${place} in ${from}`)
  return [...new Set(short)].slice(0, 20)
}

test('each record of a business is got by whom it is for, and by nobody else', SLOW, async () => {
  const wrong: string[] = []
  for (const one of world.kept) {
    const get = getOf(kindOf(one))
    const ask = (who: Person | undefined) => {
      const params = { uri: uriOf(one) }
      const asked = who ? who.get(get, params) : anybodyGet(world.nodes[0].url, get, params)
      return asked.then(
        () => 'yes',
        (error: { error?: string }) => String(error.error),
      )
    }
    for (const part of [...PARTS, 'anonymous'] as const) {
      const expected = placesOf(part).includes(one.place) ? 'yes' : 'NotFound'
      const answer = await ask(part === 'anonymous' ? undefined : world.people[part])
      if (answer !== expected) wrong.push(`${part} ${uriOf(one)}: ${answer}, not ${expected}`)
    }
  }
  expect(wrong).toEqual([])
})

test('nothing of it is in what nodes show everybody', SLOW, async () => {
  for (const [channel, seen] of await publicSurface(world.nodes, world.kept, []))
    expect.soft(told(world.sentinels.hits(seen)), channel).toEqual([])
})

test('no method tells anybody what is not for them, whatever they ask', SLOW, async () => {
  const { nodes, people, ben, sentinels } = world
  const [a, b] = nodes
  const askers: [Asker, string[], readonly (typeof methods)[number][]][] = [
    [askerOf('nobody', a.url), [], methods],
    [askerOf('nobody at the other node', b.url), [], methods],
    [askerOf('a stranger', a.url, people.stranger), [], methods],
    [askerOf('the administrator of another tenant', a.url, people.otherAdmin), [], methods],
    ...(['customer', 'otherCustomer', 'member', 'manager', 'admin'] as const).map(
      (part): [Asker, string[], typeof queries] => [
        askerOf(part, a.url, people[part]),
        placesOf(part),
        queries,
      ],
    ),
    [askerOf('a customer through the other node', b.url, ben, a.service), placesOf('ben'), queries],
  ]
  for (const [asker, places, asked] of askers) {
    const hits = sentinels.hits(await askEverything(asker, asked, anchors))
    const beyond = hits.filter(({ sentinel }) => !places.includes(sentinel.place))
    expect.soft(told(beyond), asker.name).toEqual([])
    const seen = new Set(hits.map(({ sentinel }) => sentinel.place))
    expect.soft([...seen].toSorted(), asker.name).toEqual(places.toSorted())
  }
})

test('the repos of a business are handed out by the same rules', SLOW, async () => {
  const { nodes, people, sentinels, kept } = world
  const [a] = nodes
  for (const space of new Set(kept.map(({ place }) => place))) {
    const ask = async (who: Person, home: string) =>
      readRaw(who, { home, host: a.url, space }, { kept, blobs: [] })
    for (const part of PARTS) {
      const seen = await ask(people[part], a.url)
      expect(seen !== undefined, `${part} of ${space}`).toBe(placesOf(part).includes(space))
      const hits = sentinels.hits(seen ?? [])
      expect(told(hits.filter(({ sentinel }) => sentinel.place !== space))).toEqual([])
      expect(hits.length > 0, `${part} of ${space}`).toBe(placesOf(part).includes(space))
    }
  }
})

test('a customer’s own node follows their space, and shows it to them only', SLOW, async () => {
  const { nodes, ben, tenant: authority, places, kept } = world
  const [, b] = nodes
  const place = places[ben.did]!
  await ben.call('co.kendev.actor.putSpaceGrant', {
    authority,
    spaceType: 'co.kendev.platform.tenantSpace',
    actions: ['read'],
    skeys: [place.split('/').at(-1)!],
  })
  const own = kept.filter((one) => one.place === place)
  const eve = await createPerson(b.url, 'eve.node2.test')
  for (const one of own) {
    const get = getOf(kindOf(one))
    await eventually(() => ben.get(get, { uri: uriOf(one) }), 30_000)
    for (const who of [eve, undefined]) {
      const params = { uri: uriOf(one) }
      const asked = who ? who.get(get, params) : anybodyGet(b.url, get, params)
      await expect(asked).rejects.toMatchObject({ error: 'NotFound' })
    }
  }
})

test('the views of all of it, made anew from the repos, are the same', SLOW, async () => {
  const [node] = world.nodes
  vi.stubEnv('ANGELOS_DATA_DIR', node.dataDir)
  vi.stubEnv('ANGELOS_PORT', new URL(node.url).port)
  vi.stubEnv('ANGELOS_NAME', 'node1')
  vi.stubEnv('ANGELOS_PLC_URL', node.plcUrl)
  const compared = await runHere(rebuild, ['--verify'])
  vi.unstubAllEnvs()
  expect(compared, compared.stdout).toMatchObject({ code: 0 })
  expect(compared.stdout).toMatch(/customer/)
})
