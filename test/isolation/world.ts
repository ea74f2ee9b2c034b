import pg from 'pg'
import { eventually } from '../eventually.ts'
import {
  type Items,
  PLATFORM,
  type Provision,
  accept,
  asOperator,
  invite,
  someone,
} from '../end-to-end/tenancy.ts'
import type { TestNode } from '../network.ts'
import type { Person } from '../person.ts'

/** Stands in every text of the other tenant that is not for everybody. */
export const SECRET = 'zebra-behind-the-counter'

const SPACES = 'co.kendev.spaces'
const AT = '2026-11-23T10:00:00Z'

/** A tenant with people, a space of its own and something in all that it can keep. */
export type Business = {
  readonly id: string
  readonly did: string
  readonly space: string
  readonly channel: string
  readonly owner: Person
  readonly member: Person
  readonly domain: string
  /** Every name under which something of it is known, by what it is. */
  readonly names: Readonly<Record<string, readonly string[]>>
}

/** Sets up a tenant whose every text for its own people holds `word`. */
export async function foundBusiness(
  home: TestNode,
  root: Person,
  { slug, word }: { slug: string; word: string },
): Promise<Business> {
  const [owner, member, guest] = await Promise.all(
    ['owner', 'member', 'guest'].map((part) => someone(home, `${slug.slice(0, 5)}-${part}`)),
  )
  const made = await root.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: `The ${slug}`,
    subdomain: slug,
    owner: owner!.did,
    template: 'service-provider',
    plan: 'enterprise',
  })
  const tenant = made.did
  const tell = <T = Record<string, unknown>>(nsid: string, body: object, by = owner!) =>
    by.call<T>(nsid, body as Record<string, unknown>)
  const profile = { displayName: word, department: word }
  const { token } = await invite(owner!, tenant, { role: 'tenant_manager' })
  await tell(`${PLATFORM}.acceptInvitation`, { token, profile }, member)
  await accept(guest!, (await invite(owner!, tenant)).token)
  const { invitation } = await invite(owner!, tenant, {
    email: 'someone@elsewhere.example',
    message: word,
  })
  const settings = {
    $type: `${PLATFORM}.tenantSettings`,
    customSettings: [{ name: 'till', value: word }],
    updatedAt: AT,
  }
  await tell(`${PLATFORM}.putTenantSettings`, { tenant, settings, reason: word })
  const domain = `${slug}-shop.test`
  await tell(`${PLATFORM}.addDomain`, { tenant, domain })
  const space = await spaceOf(owner!)
  const filled = await fillSpace(owner!, { space, word, person: member! })
  const names = {
    tenant: [tenant],
    id: [made.id, invitation.id, await noticeOf(owner!)],
    domain: [domain, `${slug}.node1.test`],
    person: [member!.did, owner!.did],
    ...filled.names,
    uri: [
      ...filled.names.uri,
      `at://${tenant}/${PLATFORM}.tenantSettings/self`,
      `at://${tenant}/${PLATFORM}.tenantMembership/${member!.did}`,
    ],
  }
  return {
    id: made.id,
    did: tenant,
    space,
    ...filled,
    owner: owner!,
    member: member!,
    domain,
    names,
  }
}

async function spaceOf(owner: Person): Promise<string> {
  const { items } = await owner.get<Items<{ did: string }>>(`${SPACES}.listSpaces`, {
    filter: 'mine',
  })
  return items[0]!.did
}

/** The welcome comes by a job. */
async function noticeOf(owner: Person): Promise<string> {
  return eventually(async () => {
    const { items } = await owner.get<Items<{ id: string }>>(`${PLATFORM}.listNotifications`)
    if (!items[0]) throw new Error('nothing was told yet')
    return items[0].id
  })
}

async function fillSpace(
  owner: Person,
  { space, word, person }: { space: string; word: string; person: Person },
) {
  type Made = { uri: string; cid: string }
  const channel = await owner.call<Made>(`${SPACES}.createChannel`, { space, name: word })
  const { token } = await owner.call<{ token: string }>(`${SPACES}.createInvitation`, { space })
  await person.call(`${SPACES}.join`, { space, inviteToken: token })
  const message = await owner.call<Made>(`${SPACES}.sendMessage`, {
    space,
    channel: channel.uri,
    text: word,
  })
  const put = (collection: string, record: object, more: object = {}) =>
    owner.call<Made>(`${SPACES}.putRecord`, { space, collection, record, ...more })
  const product = await put('co.kendev.commerce.product', {
    title: word,
    productType: 'physical',
    pricing: { basePrice: 900, currency: 'EUR' },
    status: 'draft',
    createdAt: AT,
  })
  const note = { subject: person.did, notes: word, createdAt: AT }
  const crm = await put(`${SPACES}.memberCrm`, note, { rkey: person.did })
  const made = [channel, message, product, crm]
  const uris = made.map(({ uri }) => uri)
  return {
    channel: channel.uri,
    names: {
      space: [space],
      uri: [...uris, `at://${space}/${SPACES}.space/self`],
      cid: made.map(({ cid }) => cid),
      rkey: uris.map((uri) => uri.split('/').at(-1)!),
    },
  }
}

/** All that a node keeps in the name of a business and of its people there, as it is now. */
export async function stateOf(home: TestNode, { id, did, space }: Business): Promise<string> {
  const client = new pg.Client({ connectionString: home.databaseUrl })
  await client.connect()
  try {
    const parts: unknown[] = []
    for (const [text, by] of STATE)
      parts.push((await client.query(text, [by === 'id' ? id : [did, space]])).rows)
    return JSON.stringify(parts)
  } finally {
    await client.end()
  }
}

const STATE: readonly [string, 'id' | 'dids'][] = [
  ['select name, owner, status, plan, limits, features from node.tenant where id = $1', 'id'],
  ['select * from node.domain where tenant = $1 order by domain', 'id'],
  ['select chain, seq, hash from node."auditHead" where chain = any($1) order by chain', 'dids'],
  ['select * from repo.admission where authority = any($1) order by authority, subject', 'dids'],
  [
    `select r.did, r.collection, r.rkey, r.cid from repo.record r where r.did = any($1)
     order by 1, 2, 3`,
    'dids',
  ],
  [
    `select id, space, "usedAt" from node.invitation where space = any($1)
     order by id`,
    'dids',
  ],
]

/** Makes somebody a super admin, who sets tenants up. */
export async function superAdminOf(home: TestNode): Promise<Person> {
  const root = await someone(home, 'root')
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  return root
}
