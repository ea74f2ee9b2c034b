import { type TestNode } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

/** How somebody stands to the two spaces of the story. */
export type Part =
  | 'owner'
  | 'admin'
  | 'moderator'
  | 'member'
  | 'viewer'
  | 'guest'
  | 'suspended'
  | 'removed'
  | 'elsewhere'
  | 'stranger'

/** The private space, and the public one: both with the same people in the same roles, but for
 *  those that a public space cannot suspend, who have no membership there. */
export type Cast = {
  /** Where they all have their accounts. */
  readonly url: string
  readonly people: Readonly<Record<Part, Person>>
  readonly club: string
  readonly shop: string
  /** A space of somebody else's. */
  readonly other: string
}

const SPACES = 'co.kendev.spaces'

/** What members of both spaces can subscribe to. */
export const TIER = { key: 'patron', name: 'Patron', price: 900, currency: 'EUR' }
export const MONETIZATION = { enabled: true, subscriptionTiers: [TIER] }

const ROLES = { admin: 'space_admin', moderator: 'moderator', viewer: 'viewer', guest: 'guest' }
const OUTSIDE: readonly Part[] = ['elsewhere', 'stranger']

/** Founds both spaces and puts everybody in their place. `secret` makes the texts of the private
 *  space, and is handed what else is secret about it. */
export async function gather(
  node: TestNode,
  secret: (what: string, known?: string) => string = (what) => what,
): Promise<Cast> {
  const parts: Part[] = ['owner', 'admin', 'moderator', 'member', 'viewer', 'guest', 'suspended']
  const names: Part[] = [...parts, 'removed', 'elsewhere', 'stranger']
  const made = await Promise.all(
    names.map(async (name) => [
      name,
      await createPerson(node.url, `the-${name}${node.handleDomain}`),
    ]),
  )
  const people = Object.fromEntries(made) as Record<Part, Person>
  const { owner, elsewhere } = people
  const found = (who: Person, body: Record<string, unknown>) =>
    who.call<{ did: string }>(`${SPACES}.createSpace`, body)
  const channels = (name: string) => [{ name }]
  const [{ did: club }, { did: shop }, { did: other }] = await Promise.all([
    found(owner, {
      name: secret('name of the space'),
      description: secret('description of the space'),
      visibility: 'private',
      channels: channels(secret('name of the channel')),
    }),
    found(owner, {
      name: 'Corner Shop',
      channels: channels('general'),
      monetization: MONETIZATION,
    }),
    found(elsewhere, { name: 'Other Room', visibility: 'private', channels: channels('general') }),
  ])
  for (const part of names) {
    if (part === 'owner' || OUTSIDE.includes(part)) continue
    await enter({ people, club, shop }, part, secret)
  }
  return { url: node.url, people, club, shop, other }
}

async function enter(
  { people, club, shop }: Pick<Cast, 'people' | 'club' | 'shop'>,
  part: Part,
  secret: (what: string, known?: string) => string,
): Promise<void> {
  const { owner } = people
  const who = people[part]
  await joinByInvitation(owner, who, { space: club, message: secret('a request'), secret })
  const change = (space: string, body: object) =>
    owner.call(`${SPACES}.updateMember`, { space, member: who.did, ...body })
  if (part === 'removed')
    return void (await owner.call(`${SPACES}.removeMember`, { space: club, member: who.did }))
  if (part === 'suspended') return void (await change(club, { status: 'suspended' }))
  await who.call(`${SPACES}.join`, { space: shop })
  const role = (ROLES as Partial<Record<Part, string>>)[part]
  if (role === undefined) return
  await change(club, { role })
  await change(shop, { role })
}

/** Somebody of this node joins what is not public. */
export async function joinByInvitation(
  owner: Person,
  who: Person,
  how: { space: string; message?: string; secret?: (what: string, known?: string) => string },
): Promise<void> {
  const { space, message, secret } = how
  const { token } = await owner.call<{ token: string }>(`${SPACES}.createInvitation`, { space })
  secret?.('an invitation', token)
  await who.call(`${SPACES}.join`, { space, inviteToken: token, ...(message && { message }) })
}
