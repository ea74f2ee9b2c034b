import type { JsonValue, LexMap, LexValue } from '@atproto/lex'
import { jsonToLex, lexToJson } from '@atproto/lex'
import pg from 'pg'
import { type Who, customerOf } from '../../src/appview/business/customers.ts'
import {
  type Transact,
  type TenantWrite,
  createTransact,
} from '../../src/appview/business/transact.ts'
import { checkRecord } from '../../src/appview/check-record.ts'
import { collections } from '../../src/appview/collections/index.ts'
import type { Collection } from '../../src/appview/define.ts'
import { type Sql, type SqlPool, transaction } from '../../src/database/sql.ts'
import { TENANT_SPACE, audienceUri } from '../../src/permissioned/audience.ts'
import { createSpaceStore } from '../../src/permissioned/store/store.ts'
import { createTids } from '../../src/tid.ts'
import {
  PLATFORM,
  type Provision,
  accept,
  asOperator,
  invite,
  someone,
} from '../end-to-end/tenancy.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'
import { CUSTOMER } from '../record.ts'
import { filledRecord } from './filled-record.ts'
import { Sentinels } from './sentinels.ts'
import type { Kept } from './write-everything.ts'

/** How somebody stands to the business. */
export type Part =
  | 'admin'
  | 'manager'
  | 'member'
  | 'customer'
  | 'otherCustomer'
  | 'stranger'
  | 'otherAdmin'

/** A business on the first of two nodes with a record of every kind that a tenant keeps. */
export type BusinessWorld = AsyncDisposable & {
  readonly nodes: readonly [TestNode, TestNode]
  readonly tenant: string
  readonly people: Readonly<Record<Part, Person>>
  /** A customer whose account is on the other node. */
  readonly ben: Person
  readonly sentinels: Sentinels
  readonly kept: readonly Kept[]
  /** The place of each audience, and of each customer by their DID. */
  readonly places: Readonly<Record<string, string>>
}

/** What is kept for a tenant's people and customers. */
export const BUSINESS: readonly Collection[] = collections.filter(
  ({ access }) => ['tenant', 'both'].includes(access.of ?? '') && access.places !== 'public',
)

const now = () => new Date()

/** Sets up the business and writes everything, with a text of its own in each field. */
export async function businessWorld(): Promise<BusinessWorld> {
  const env = { ANGELOS_ADMIN_PORT: 'each', ANGELOS_RATE_LIMITS: 'false' }
  const network = await startNetwork(2, env)
  const [a, b] = network.nodes as [TestNode, TestNode]
  const { people, tenant } = await staffed(a)
  const ben = await createPerson(b.url, `ben${b.handleDomain}`)
  const pool = new pg.Pool({ connectionString: a.databaseUrl })
  const sentinels = new Sentinels()
  const { transact, nextTid } = transactOn(pool as unknown as SqlPool)
  const places: Record<string, string> = {}
  for (const level of ['members', 'staff', 'managers'] as const)
    places[level] = audienceUri(tenant, level, TENANT_SPACE)
  const kept: Kept[] = []
  const write = async (who: Who | undefined, c: Collection, at: string) => {
    const made = await transact({ tenant }, async (d) => {
      const { key, place, writes } = who
        ? await customerOf(d, who)
        : { key: '', place: places[at]!, writes: [] }
      places[at] = place
      const subject = who && 'did' in who ? who.did : people.member.did
      const one = filled({ tenant, c, place, key, nextTid, subject }, sentinels)
      // The customer's own record is made with the space, and told here in full.
      const others = writes.filter(({ collection }) => collection !== c.nsid)
      return { answer: one, writes: [...others, one], by: BY }
    })
    kept.push({ ...made, author: tenant, cid: '', value: made.record as Record<string, unknown> })
  }
  for (const c of BUSINESS) {
    const { audience = 'members' } = c.access
    if (audience !== 'customer') await write(undefined, c, audience)
    else
      for (const who of [people.customer, people.otherCustomer, ben])
        await write({ did: who.did }, c, who.did)
  }
  await pool.end()
  const world = { nodes: [a, b] as const, tenant, people, ben, sentinels, kept, places }
  return { ...world, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() }
}

const BY = { actor: 'did:plc:test', role: 'test', action: 'test' }

/** Another process on the node's database, as a second node process would be. */
function transactOn(pool: SqlPool): { transact: Transact; nextTid: () => string } {
  const clock = { now }
  const nextTid = createTids(clock)
  const validate = () => ({ ok: true }) as const
  const together = createSpaceStore({ pool, clock, nextTid, validate })
  const outbox = {
    transact: <T>(work: (tx: Sql, queue: () => Promise<void>) => Promise<T>) =>
      transaction(pool, (tx) => work(tx, async () => {})),
  }
  const progress = { advance: () => {}, reached: async () => true }
  return { transact: createTransact({ outbox, together, progress, clock, nextTid }), nextTid }
}

async function staffed(home: TestNode) {
  const parts: Part[] = ['admin', 'manager', 'member', 'customer', 'otherCustomer', 'stranger']
  const names: Part[] = [...parts, 'otherAdmin']
  const made = await Promise.all(
    names.map(async (name) => [name, await someone(home, name.toLowerCase())] as const),
  )
  const people = Object.fromEntries(made) as Record<Part, Person>
  const root = await someone(home, 'root-person')
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const found = (subdomain: string, owner: Person) =>
    root.call<Provision>(`${PLATFORM}.provisionTenant`, {
      name: subdomain,
      subdomain,
      owner: owner.did,
      template: 'service-provider',
      plan: 'enterprise',
    })
  const { did: tenant } = await found('first-shop', people.admin)
  await found('other-shop', people.otherAdmin)
  const hire = async (who: Person, role: string) =>
    accept(who, (await invite(people.admin, tenant, { role })).token)
  await hire(people.manager, 'tenant_manager')
  await hire(people.member, 'tenant_member')
  return { people, tenant }
}

type Filling = {
  tenant: string
  c: Collection
  place: string
  key: string
  nextTid: () => string
  subject: string
}

/** The collection's example in that place, with a text of its own in each field of free text. */
function filled(how: Filling, sentinels: Sentinels): TenantWrite {
  const { tenant, c, place, subject } = how
  const audience = c.access.audience ?? 'members'
  const example = c.examples.good.find((one) => one.audience === audience) ?? c.examples.good[0]!
  const rkey = keyFor(how, example.rkey)
  const text = JSON.stringify(lexToJson(example.record as LexValue))
  // What stands beside another record, or is a part of one, names it and has its key.
  const stem = (of: string) => (PART.test(of) ? of.slice(0, of.indexOf('.')) : of)
  const named = example.rkey === undefined ? text : text.replaceAll(stem(example.rkey), stem(rkey))
  const record = JSON.parse(named) as Record<string, JsonValue>
  if (typeof record['subject'] === 'string') record['subject'] = subject
  const fits = (it: Record<string, unknown>) => {
    try {
      const at = { did: tenant, collection: c.nsid, rkey, place }
      checkRecord(at, { ...it, $type: c.nsid })
      return true
    } catch {
      return false
    }
  }
  const made = filledRecord(c.nsid, jsonToLex(record) as LexMap, {
    make: (field) => sentinels.make(place, field),
    fits,
  })
  return { place, collection: c.nsid, rkey, record: made }
}

/** Of some there is one for each person or customer; what stands with customers has a key of its
 *  own with each, all else that of its example. */
function keyFor({ c, key, subject, nextTid }: Filling, rkey: string | undefined): string {
  if (rkey?.includes(CUSTOMER)) return rkey.replaceAll(CUSTOMER, key)
  if (rkey?.startsWith('did:')) return subject
  if (c.access.audience !== 'customer') return rkey ?? nextTid()
  return rkey !== undefined && PART.test(rkey) ? `${nextTid()}.1` : nextTid()
}

/** Keys of parts of an order. */
const PART = /^[2-7a-z]{13}\.\d+$/
