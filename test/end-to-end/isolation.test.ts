import { afterAll, beforeAll, expect, test } from 'vitest'
import { collections } from '../../src/appview/collections/index.ts'
import { type Question, questionsOf } from '../isolation/questions.ts'
import { type Business, SECRET, foundBusiness, stateOf, superAdminOf } from '../isolation/world.ts'
import { type Method, allMethods } from '../leaks/methods.ts'
import { severally } from '../leaks/ask.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { CallError, type Person } from '../person.ts'

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let own: Business
let other: Business
let cursors: string[]

/** Of a node's methods those whose answers are JSON; streams and files are asked elsewhere. */
const methods = allMethods().filter(
  ({ nsid, kind }) => kind !== 'subscription' && nsid.startsWith('co.kendev.'),
)
/** Acting for oneself with nothing of the other tenant is no question here. */
const SLOW = { timeout: 600_000 }

beforeAll(async () => {
  network = await startNetwork(1)
  home = network.nodes[0]!
  const root = await superAdminOf(home)
  own = await foundBusiness(home, root, { slug: 'river', word: 'our own counter' })
  other = await foundBusiness(home, root, { slug: 'hill-top', word: SECRET })
  cursors = await cursorsOf(other)
}, 300_000)
afterAll(async () => network?.[Symbol.asyncDispose]())

type Answer = { method: Method; question: Question; status: number; text: string }

async function put(by: Person, method: Method, question: Question): Promise<Answer> {
  const { nsid, kind } = method
  const body = question.body as Record<string, unknown>
  const flat = Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, isText(value) ? value : String(value)]),
  )
  try {
    const found = await (kind === 'query' ? by.get(nsid, flat) : by.call(nsid, body))
    return { method, question, status: 200, text: JSON.stringify(found) }
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    return { method, question, status: error.status, text: `${error.error} ${error.message}` }
  }
}

const isText = (value: unknown) => typeof value === 'string' || Array.isArray(value)

/** Where each list that the owner of a tenant reads goes on after its first entry. */
async function cursorsOf({ owner, did, space, channel }: Business): Promise<string[]> {
  const found = await Promise.all(
    methods
      .filter(({ fields }) => fields.properties?.['cursor'])
      .map(async ({ nsid, fields }) => {
        const about = { tenant: did, space, channel, limit: 1, q: 'counter', actor: owner.did }
        const asked = Object.entries(about).filter(([name]) => fields.properties?.[name])
        const page = await owner
          .get<{ cursor?: unknown }>(nsid, Object.fromEntries(asked))
          .catch(() => ({ cursor: undefined }))
        return typeof page.cursor === 'string' ? page.cursor : []
      }),
  )
  return [...new Set(found.flat())]
}

/** Whether an answer says a secret, or a name nobody but the other tenant's people know and that
 *  was not in the question. */
function tells({ question, text }: Answer): boolean {
  const asked = JSON.stringify(question.body)
  const { id = [], cid = [], rkey = [] } = other.names
  // The name of a space that is not public is made from the id of its tenant's setting up.
  const known = [other.domain, ...id.slice(1), ...cid, ...rkey]
  return text.includes(SECRET) || known.some((name) => text.includes(name) && !asked.includes(name))
}

async function askAll(by: Person, kind: Method['kind']): Promise<Answer[]> {
  const asked = methods.filter((method) => method.kind === kind)
  const jobs = asked.flatMap((method) =>
    questionsOf(method, { own, other, cursors }).map((question) => ({ method, question })),
  )
  return severally(jobs, ({ method, question }) => put(by, method, question))
}

function told({ method, question, text }: Answer): string {
  const asked = JSON.stringify(question.body).slice(0, 300)
  return `${method.nsid} by ${question.of}: ${asked} → ${text.slice(0, 300)}`
}

test(
  'whatever a tenant’s administrator asks with names of another tenant, nothing of it is told or changed',
  SLOW,
  async () => {
    const before = await stateOf(home, other)
    // Reading first: what was written afterwards says what was asked.
    const read = await askAll(own.owner, 'query')
    expect(read.filter(tells).map(told)).toEqual([])
    const written = await askAll(own.owner, 'procedure')
    expect(written.filter(({ text }) => text.includes(SECRET)).map(told)).toEqual([])
    const answers = [...read, ...written]
    expect(answers.length).toBeGreaterThan(3_000)
    expect(answers.filter(({ status }) => status >= 500).map(told)).toEqual([])
    expect(await stateOf(home, other)).toEqual(before)
  },
)

test('the same questions by its own people are answered', SLOW, async () => {
  const queries = methods.filter(({ kind }) => kind === 'query')
  const jobs = queries.flatMap((method) =>
    questionsOf(method, { own: other, other, cursors }).map((question) => ({ method, question })),
  )
  const answers = await severally(jobs, ({ method, question }) =>
    put(other.owner, method, question),
  )
  const telling = new Set(
    answers.filter(({ text }) => text.includes(SECRET)).map(({ method }) => method.nsid),
  )
  expect([...telling].toSorted()).toEqual(
    expect.arrayContaining([
      'co.kendev.commerce.getProduct',
      'co.kendev.platform.getTenantSettings',
      'co.kendev.platform.listTenantInvitations',
      'co.kendev.platform.listTenantMemberships',
      'co.kendev.spaces.getMemberCrm',
      'co.kendev.spaces.listChannels',
      'co.kendev.spaces.listMessages',
    ]),
  )
})

test('a record that refers to what is another tenant’s shows nothing of it', SLOW, async () => {
  const { owner, space } = own
  const shown: string[] = []
  let written = 0
  for (const { nsid, access, examples } of collections.filter((c) => c.access.manage))
    for (const uri of other.names['uri']!) {
      const example = examples.good[0]!
      const record = referring(example.record, { uri, space, person: other.member.did })
      const body = { space, collection: nsid, record, ...keyOf(example.rkey) }
      const answer = await put(
        owner,
        { nsid: 'co.kendev.spaces.putRecord', kind: 'procedure', fields: {} },
        { of: nsid, body },
      )
      if (answer.status !== 200) continue
      written += 1
      const { uri: made } = JSON.parse(answer.text) as { uri: string }
      const get = nsid.replace(/\.(\w)(\w*)$/, (_, first: string, rest: string) => {
        return `.get${first.toUpperCase()}${rest}`
      })
      const view = await put(
        owner,
        { nsid: get, kind: 'query', fields: {} },
        { of: access.audience ?? '', body: { uri: made } },
      )
      if (view.text.includes(SECRET)) shown.push(told(view))
    }
  expect(written).toBeGreaterThan(10)
  expect(shown).toEqual([])
})

const keyOf = (rkey: string | undefined) =>
  rkey === undefined || rkey.startsWith('did:') ? {} : { rkey }

/** The record with every address and account in it changed to these. */
function referring(
  record: Readonly<Record<string, unknown>>,
  to: { uri: string; space: string; person: string },
): unknown {
  const text = JSON.stringify(record)
    .replaceAll(/"at:\/\/[^"]*"/g, JSON.stringify(to.uri))
    .replaceAll(/"did:[^"]*"/g, JSON.stringify(to.person))
  const value = JSON.parse(text) as Record<string, unknown>
  return 'space' in value ? { ...value, space: to.space } : value
}
