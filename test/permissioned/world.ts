import type { Clock } from '../../src/clock.ts'
import { type Person, createPerson } from '../person.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Reply, ask } from './space-client.ts'

export const POST = 'com.example.garden.post'
export const GARDEN = 'com.example.garden.plot'
export const policy = {
  public: { $type: 'com.atproto.simplespace.defs#publicPolicy' },
  members: { $type: 'com.atproto.simplespace.defs#memberListPolicy' },
  app: (managingApp: string) => ({
    $type: 'com.atproto.simplespace.defs#managingAppPolicy',
    managingApp,
  }),
}
export const open = { $type: 'com.atproto.simplespace.defs#open' }

export type World = AsyncDisposable & {
  /** the node of the spaces' authorities, and another one */
  here: TestNode
  there: TestNode
  person(node: TestNode): Promise<Person>
}

/** Nodes that share a directory, and people with accounts on them. */
export async function startWorld(nodes = 2, clock?: Clock): Promise<World> {
  const network = await startNetwork(nodes, {}, undefined, clock)
  const [here, there] = network.nodes as [TestNode, TestNode]
  let people = 0
  return {
    here,
    there,
    person: (node) => createPerson(node.url, `person${(people += 1)}${node.handleDomain}`),
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}

/** A space of that account, for members unless said otherwise. */
export async function createSpace(who: Person, change: Record<string, unknown> = {}) {
  const { uri } = await who.call<{ uri: string }>('com.atproto.simplespace.createSpace', {
    spaceType: GARDEN,
    readPolicy: policy.members,
    writePolicy: policy.members,
    appAccess: open,
    ...change,
  })
  return uri
}

export function writePost(who: Person, space: string, text: string, rkey?: string) {
  return who.call<{ uri: string; cid: string }>('com.atproto.space.createRecord', {
    space,
    repo: who.did,
    collection: POST,
    ...(rkey && { rkey }),
    record: { $type: POST, text },
  })
}

export const admit = (who: Person, space: string, did: string, may = { read: true, write: true }) =>
  who.call('com.atproto.simplespace.putMember', { space, did, ...may })

/** A method called with a session, with what it answered whether or not it was what was wanted. */
export function as(who: Person | undefined, origin: string) {
  const headers: Record<string, string> = who ? { authorization: `Bearer ${who.token}` } : {}
  return {
    get: (nsid: string, params: Record<string, string>) =>
      ask(origin, asking(nsid, params), { headers }),
    post: (nsid: string, body: unknown) => ask(origin, nsid, { headers, body }),
  }
}

/** What a refusal says: its status and name. */
export async function saying(reply: Promise<Reply>): Promise<string> {
  return named(await reply)
}

/** The same of an answer that is there. */
export function named({ status, body }: Pick<Reply, 'status' | 'body'>): string {
  const { error } = body as { error?: string }
  return error === undefined ? String(status) : `${status} ${error}`
}

/** The path of a query. */
export function asking(nsid: string, params: Record<string, string>): string {
  return `${nsid}?${new URLSearchParams(params).toString()}`
}
