import { type Person, anybodyGet } from './person.ts'

const SPACES = 'co.kendev.spaces'

/** What tests read of a message's view. */
export type Said = {
  readonly uri: string
  readonly cid: string
  readonly text?: string
  readonly author: { did: string; handle: string; displayName?: string; avatar?: string }
  readonly replyCount: number
  readonly reactions: readonly { emoji: string; count: number; mine: boolean }[]
}
export type Ref = { readonly uri: string; readonly cid: string }
export type Items<T> = { readonly items: T[]; readonly cursor?: string }

/** A space with one channel, and what anybody can read of it. */
export type Garage = {
  readonly did: string
  readonly general: string
  messages(): Promise<Said[]>
  stats(): Promise<{ memberCount: number; messageCount: number; channelCount: number }>
}

/** Founds a space on the owner's own node, which is at `origin`. */
export async function foundGarage(
  origin: string,
  owner: Person,
  name = 'Corner Garage',
): Promise<Garage> {
  const { did } = await owner.call<{ did: string }>(`${SPACES}.createSpace`, {
    name,
    channels: [{ name: 'general' }],
  })
  const get = <T>(method: string) => anybodyGet<T>(origin, `${SPACES}.${method}`, { space: did })
  const channels = await get<Items<{ uri: string }>>('listChannels')
  return {
    did,
    general: channels.items[0]!.uri,
    messages: async () => (await get<Items<Said>>('listMessages')).items,
    stats: async () =>
      (await get<{ stats: Awaited<ReturnType<Garage['stats']>> }>('getSpace')).stats,
  }
}

/** A message record as a client writes it at its own PDS. */
export function messageIn({ did, general }: Garage, text: string, more: object = {}) {
  return { space: did, channel: general, text, createdAt: new Date().toISOString(), ...more }
}

/** Somebody with an account elsewhere joins: the request at their own PDS, then the call. */
export async function joinFrom(person: Person, proxy: string, space: string): Promise<Ref> {
  const request = await person.create(
    `${SPACES}.membershipRequest`,
    { space, createdAt: new Date().toISOString() },
    space,
  )
  await person.call(`${SPACES}.join`, { space, ...request }, { proxy })
  return request
}

/** Writes a message at the author's own PDS and announces it through that PDS. */
export async function sayFrom(
  person: Person,
  proxy: string,
  record: { space: string } & Record<string, unknown>,
): Promise<Ref> {
  const written = await person.create(`${SPACES}.message`, record)
  const { uri, cid } = written
  await person.call(`${SPACES}.sendMessage`, { space: record.space, uri, cid }, { proxy })
  return { uri, cid }
}
