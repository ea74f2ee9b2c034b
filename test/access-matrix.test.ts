import { afterAll, beforeAll, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { createTids } from '../src/tid.ts'
import { eventually } from './eventually.ts'
import { listen, severally } from './leaks/ask.ts'
import {
  type Answer,
  type Attempt,
  type Case,
  type Request,
  type Trying,
  getOf,
  readings,
  writings,
} from './leaks/attempts.ts'
import { allMethods } from './leaks/methods.ts'
import { askerOf } from './leaks/story.ts'
import { type Cast, gather, joinByInvitation } from './leaks/cast.ts'
import { CALLERS, type Caller, STANDS, type Stand, onStream } from './leaks/expected-access.ts'
import {
  BY_JOINING,
  type Kept,
  type Writing,
  inOrder,
  standsIn,
  writeOne,
} from './leaks/write-everything.ts'
import { startNetwork } from './network.ts'

/** Much more than it takes; a machine may have other things to do. */
const PATIENCE_MS = 900_000

let network: Awaited<ReturnType<typeof startNetwork>>
let cast: Cast
let writing: Writing
let tried = 0
/** Every record that there is to try, with those that came before it. */
const standing: { c: Case['c']; stand: Stand; record: Kept }[] = []

beforeAll(async () => {
  network = await startNetwork(1, { ANGELOS_RATE_LIMITS: 'false' })
  cast = await gather(network.nodes[0]!)
  let made = 0
  const make = () => `zq${(made += 1)}word`
  writing = { cast, make, nextTid: createTids({ now: () => new Date() }) }
  const kept: Kept[] = []
  for (const stand of STANDS)
    for (const c of inOrder(collections).filter((one) => standsIn(one, stand))) {
      const record = await writeOne(writing, { c, stand, kept })
      kept.push(record)
      standing.push({ c, stand, record })
    }
  await eventually(async () => {
    for (const { c, stand, record } of standing) {
      const it: Case = { c, stand, record, value: record.value, caller: 'owner' }
      const get = readings(tryingFor(it), it).get('get')
      const told = await get?.told()
      if (get && told !== 'yes') throw new Error(`${c.nsid} for ${stand.audience}: ${told}`)
    }
  })
}, PATIENCE_MS)

afterAll(async () => {
  await network?.[Symbol.asyncDispose]()
}, PATIENCE_MS)

function tryingFor({ c, stand }: Pick<Case, 'c' | 'stand'>): Trying {
  const kept = standing.map(({ record }) => record)
  const subject = cast.people.viewer.did
  return {
    cast,
    nextTid: writing.nextTid,
    send,
    spare: () => writeOne(writing, { c, stand, kept, subject }),
    channelOf: (where) =>
      standing.find((s) => s.c.nsid.endsWith('.channel') && s.stand === where)!.record,
    comeBack: async (where) => {
      const { owner, member } = cast.people
      if (where.space === 'shop') await member.call('co.kendev.spaces.join', { space: cast.shop })
      else await joinByInvitation(owner, member, { space: cast.club })
    },
  }
}

async function send(caller: Caller, { nsid, params, body }: Request): Promise<Answer> {
  const answer = await raw(caller, { nsid, params, body })
  const read = (await answer.json().catch(() => ({}))) as Record<string, unknown>
  return { error: answer.ok ? '' : String(read['error']), body: read }
}

function raw(caller: Caller, { nsid, params = {}, body }: Request): Promise<Response> {
  const query = new URLSearchParams(params as Record<string, string>)
  const token = caller === 'anonymous' ? undefined : cast.people[caller].token
  return fetch(`${cast.url}/xrpc/${nsid}?${String(query)}`, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
  })
}

type Cell = Attempt & { readonly name: string }

function cellsOf(
  { c, stand, record }: (typeof standing)[number],
  attempts: (t: Trying, it: Case) => Map<string, Attempt>,
): Cell[] {
  const t = tryingFor({ c, stand })
  return CALLERS.flatMap((caller) =>
    [...attempts(t, { c, stand, record, value: record.value, caller })].map(([verb, attempt]) => ({
      ...attempt,
      name: `${caller} ${verb} ${c.nsid} for ${stand.audience} of ${stand.space}`,
    })),
  )
}

async function wrong(cells: readonly Cell[], atOnce: number): Promise<string[]> {
  const answers = await severally(cells, ({ told }) => told(), atOnce)
  return cells.flatMap(({ name, expected }, n) =>
    answers[n] === expected ? [] : [`${name}: ${answers[n]}, not ${expected}`],
  )
}

test(
  'everybody finds what they may read, and nothing else',
  async () => {
    const cells = standing.flatMap((one) => cellsOf(one, readings))
    tried += cells.length
    expect(await wrong(cells, 8)).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'everybody hears what they may read, and nothing else',
  async () => {
    const fed = standing.filter(({ c }) => c.feed)
    const streams = STANDS.flatMap((stand) => CALLERS.map((caller) => ({ stand, caller })))
    const heard = await severally(streams, async ({ stand, caller }) => {
      const { space, audience } = stand
      const query = { space: cast[space], cursor: '0', ...(audience !== 'public' && { audience }) }
      const path = `/xrpc/co.kendev.spaces.subscribeMessages?${String(new URLSearchParams(query))}`
      const who = caller === 'anonymous' ? undefined : cast.people[caller]
      const seen = await listen(askerOf(caller, cast.url, who), path, { quietMs: 1_500 })
      return Buffer.concat(seen.map(({ bytes }) => bytes)).toString('latin1')
    })
    const cells = fed.flatMap(({ c, stand, record }) =>
      CALLERS.map((caller): Cell => {
        const n = streams.findIndex((one) => one.stand === stand && one.caller === caller)
        const uri = `${record.author}/${record.collection}/${record.rkey}`
        const isTold = heard[n]!.includes(uri) ? 'told' : 'not told'
        return {
          name: `${caller} subscribe ${c.nsid} for ${stand.audience} of ${stand.space}`,
          expected: onStream(caller, c.nsid, stand),
          told: async () => (heard[n]!.includes('NotFound') ? 'NotFound' : isTold),
        }
      }),
    )
    tried += cells.length
    expect(await wrong(cells, 8)).toEqual([])
  },
  PATIENCE_MS,
)

test('what is not there and what is not yours is one answer', async () => {
  const gets = new Set(allMethods().map(({ nsid }) => nsid))
  const closed = standing.filter(
    ({ c, stand }) => stand.audience !== 'public' && gets.has(getOf(c)),
  )
  const shape = async (caller: Caller, nsid: string, params: Record<string, string>) => {
    const answer = await raw(caller, { nsid, params })
    const headers = [...answer.headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
    let text = await answer.text()
    for (const value of Object.values(params)) text = text.replaceAll(value, '…')
    return { status: answer.status, headers, text }
  }
  for (const { c, record } of closed)
    for (const caller of ['anonymous', 'stranger', 'elsewhere', 'removed', 'suspended'] as const) {
      const uri = `at://${record.author}/${record.collection}/${record.rkey}`
      const space = record.place.split('/')[2]!
      const member = cast.people.member.did
      const other = (text: string) =>
        `${text.slice(0, -4)}${text.endsWith('2222') ? '3333' : '2222'}`
      const asked = { uri, space, member }
      const params = Object.fromEntries(
        (allMethods().find(({ nsid }) => nsid === getOf(c))!.fields.required ?? []).map((name) => [
          name,
          asked[name as keyof typeof asked],
        ]),
      )
      const nothing = {
        ...params,
        ...(params['uri'] ? { uri: other(uri) } : { space: other(space) }),
      }
      const [yours, there] = await Promise.all([
        shape(caller, getOf(c), params),
        shape(caller, getOf(c), nothing),
      ])
      expect(yours, `${caller} ${getOf(c)}`).toEqual(there)
      expect(yours.status).toBe(400)
    }
})

test(
  'everybody writes, changes and deletes what they may, and nothing else',
  async () => {
    const isRequest = ({ c }: (typeof standing)[number]) => c.nsid === BY_JOINING[1]
    const cells = standing.filter((one) => !isRequest(one)).flatMap((one) => cellsOf(one, writings))
    const found = await wrong(cells, 1)
    // Leaving takes the cast apart, and who is outside a public space may join it.
    const last = standing.filter(isRequest).flatMap((one) => cellsOf(one, writings))
    const turn = ({ name }: Cell) => {
      if (name.includes('create') === name.includes('of club')) return 0
      return name.includes('update') ? 1 : 2
    }
    const sorted = last.toSorted((x, y) => turn(x) - turn(y))
    tried += cells.length + last.length
    expect([...found, ...(await wrong(sorted, 1))]).toEqual([])
  },
  PATIENCE_MS,
)

test('every collection has been tried, in 2706 cells or more', () => {
  const kinds = new Set(standing.map(({ c }) => c.nsid))
  // Those of tenants have a matrix of their own.
  const ofSpaces = collections.filter(({ access }) => access.of !== 'tenant')
  expect([...kinds].toSorted()).toEqual(ofSpaces.map(({ nsid }) => nsid).toSorted())
  expect(tried).toBeGreaterThanOrEqual(2_706)
})
