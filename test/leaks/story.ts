import { type Log, createLog } from '../../src/log.ts'
import { audienceUri } from '../../src/permissioned/audience.ts'
import { createTids } from '../../src/tid.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { eventually } from '../eventually.ts'
import { type Person, createPerson } from '../person.ts'
import type { Asker } from './ask.ts'
import { type Cast, gather } from './cast.ts'
import { type Seen, Sentinels } from './sentinels.ts'
import { type Kept, ownRecord, writeEverything } from './write-everything.ts'

const SPACES = 'co.kendev.spaces'
const nextTid = createTids({ now: () => new Date() })
const PRIVATE = 'co.kendev.spaces.privateSpace'

/** Two nodes on which all that is private has been written with sentinels in it. */
export type Story = AsyncDisposable & {
  readonly nodes: readonly [TestNode, TestNode]
  readonly cast: Cast
  /** A member and a stranger with accounts on the other node. */
  readonly ben: Person
  readonly eve: Person
  readonly sentinels: Sentinels
  readonly kept: readonly Kept[]
  readonly blobs: readonly { did: string; cid: string; place: string }[]
  readonly logs: Seen[]
  /** Where the first node logs. */
  readonly logOfNodes: Log
  readonly nextTid: () => string
}

/** Starts the nodes and writes everything; what is the nodes' own log is kept at its fullest. */
export async function tellStory(): Promise<Story> {
  const logs: Seen[] = []
  const made = [1, 2].map((n) =>
    createLog({
      level: 'trace',
      to: { write: (line) => logs.push({ from: `log of node ${n}`, bytes: Buffer.from(line) }) },
    }),
  )
  const env = { ANGELOS_ADMIN_PORT: 'each', ANGELOS_RATE_LIMITS: 'false' }
  const network = await startNetwork(2, env, (n) => made[n - 1]!)
  const nodes = network.nodes as [TestNode, TestNode]
  const [a, b] = nodes
  const sentinels = new Sentinels()
  // Founding a space makes its DID, so what it holds gets its place once that is known.
  const early: { text: string; what: string }[] = []
  const cast = await gather(a, (what, known) => {
    const text = known ?? sentinels.make('', what)
    early.push({ text, what })
    return text
  })
  const members = audienceUri(cast.club, 'members')
  sentinels.place(
    members,
    early.filter(({ what }) => what !== 'an invitation').map((e) => e.text),
  )
  for (const { text, what } of early.filter((e) => e.what === 'an invitation'))
    sentinels.add({ text, place: '', what })
  const [ben, eve] = await Promise.all([
    createPerson(b.url, `ben${b.handleDomain}`),
    createPerson(b.url, `eve${b.handleDomain}`),
  ])
  const kept = await writeEverything(cast, sentinels)
  const blobs = [
    await attach(cast.people.member, members, sentinels),
    await attach(cast.people.moderator, audienceUri(cast.club, 'staff'), sentinels),
  ]
  kept.push(...blobs.map(({ record }) => record))
  await joinFromElsewhere({ a, cast, ben, sentinels })
  const story = {
    nodes,
    cast,
    ben,
    eve,
    sentinels,
    kept,
    blobs,
    logs,
    logOfNodes: made[0]!,
    nextTid,
  }
  await eventually(async () => {
    const { items } = await ben.get<{ items: object[] }>(`${SPACES}.listMessages`, {
      space: cast.club,
    })
    if (items.length < 3) throw new Error(`ben's node has only ${items.length} messages yet`)
  })
  return { ...story, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() }
}

/** A message with a file whose bytes and name are secret. */
async function attach(who: Person, place: string, sentinels: Sentinels) {
  const bytes = Buffer.from(`a file that says ${sentinels.make(place, 'bytes of a file')}`)
  const file = (await who.upload(bytes, 'text/plain')) as { ref: { $link: string } }
  const cid = file.ref.$link
  const space = place.slice('at://'.length).split('/')[0]!
  const collection = `${SPACES}.message`
  const rkey = nextTid()
  const value = {
    space,
    text: sentinels.make(place, 'text beside a file'),
    attachments: [{ file, filename: sentinels.make(place, 'name of a file') }],
    createdAt: new Date().toISOString(),
  }
  const written = await ownRecord(who, { collection, rkey, place }, value)
  sentinels.add({ text: cid, place, what: 'CID of a file' })
  const record: Kept = { place, author: who.did, collection, rkey, cid: written.cid, value }
  return { did: who.did, cid, place, record }
}

/** Ben, of the other node, joins the private space and writes into it at his own PDS. */
async function joinFromElsewhere(
  at: Pick<Story, 'cast' | 'ben' | 'sentinels'> & { a: TestNode },
): Promise<void> {
  const { a, cast, ben, sentinels } = at
  const proxy = a.service
  const { club: space } = cast
  const place = audienceUri(space, 'members')
  const grant = { authority: space, spaceType: PRIVATE, actions: ['read', 'create'] }
  await ben.call('co.kendev.actor.putSpaceGrant', grant)
  const createdAt = new Date().toISOString()
  const asks = { collection: `${SPACES}.membershipRequest`, rkey: space, place }
  const request = await ownRecord(ben, asks, { space, createdAt })
  const { token } = await cast.people.owner.call<{ token: string }>(`${SPACES}.createInvitation`, {
    space,
  })
  sentinels.add({ text: token, place: '', what: 'an invitation' })
  const { uri, cid } = request
  await ben.call(`${SPACES}.join`, { space, inviteToken: token, uri, cid }, { proxy })
  const text = sentinels.make(place, 'a message of another node')
  const says = { collection: `${SPACES}.message`, rkey: nextTid(), place }
  const hello = await ownRecord(ben, says, { space, text, createdAt })
  await ben.call(`${SPACES}.sendMessage`, { space, uri: hello.uri, cid: hello.cid }, { proxy })
}

/** Somebody as an asker of their own node, or of another one through it. */
export function askerOf(name: string, origin: string, who?: Person, proxy?: string): Asker {
  return {
    name,
    origin,
    headers: {
      ...(who && { authorization: `Bearer ${who.token}` }),
      ...(proxy && { 'atproto-proxy': proxy }),
    },
  }
}
