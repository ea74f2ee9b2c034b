import { type TestNode, startNetwork } from '../network.ts'
import type { Person } from '../person.ts'
import { PLATFORM, type Provision, accept, asOperator, invite, someone } from './tenancy.ts'

export const COMMERCE = 'co.kendev.commerce'

/** What tests read of a product. */
export type Product = {
  uri: string
  cid: string
  slug: string
  status: string
  nextStates: string[]
  publishedAt?: string
  createdAt: string
}

const PEOPLE = ['owner', 'manager', 'member', 'stranger', 'rival', 'root'] as const

/** Two businesses of one node, the people of the first, and who owns the other. */
export type Shop = AsyncDisposable & {
  readonly home: TestNode
  readonly shop: string
  readonly other: string
  readonly people: Readonly<Record<(typeof PEOPLE)[number], Person>>
  /** Writes a product of the first business. */
  put(who: Person, product: object, more?: object): Promise<Product>
}

/** Sets them up. */
export async function openShop(env: Readonly<Record<string, string>> = {}): Promise<Shop> {
  const network = await startNetwork(1, env)
  const home = network.nodes[0]!
  const people = {} as Record<(typeof PEOPLE)[number], Person>
  for (const name of PEOPLE) people[name] = await someone(home, name)
  const { root, owner, rival, manager, member } = people
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const set = async (name: string, who: Person) => {
    const wish = { name, subdomain: name, owner: who.did, template: 'custom', plan: 'starter' }
    return (await root.call<Provision>(`${PLATFORM}.provisionTenant`, wish)).did
  }
  const shop = await set('car-audio', owner)
  const other = await set('rival-audio', rival)
  await accept(manager, (await invite(owner, shop, { role: 'tenant_manager' })).token)
  await accept(member, (await invite(owner, shop)).token)
  const put = (who: Person, product: object, more: object = {}) =>
    who.call<Product>(`${COMMERCE}.putProduct`, { tenant: shop, product, ...more })
  return {
    home,
    shop,
    other,
    people,
    put,
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}

/** The key of a record. */
export function keyOf({ uri }: { uri: string }): string {
  return uri.split('/').at(-1)!
}

/** A product as somebody would write it. */
export function offer(title: string, more: object = {}): object {
  return { title, productType: 'physical', ...more }
}
