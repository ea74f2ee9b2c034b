import { join } from 'node:path'
import Database from 'better-sqlite3'
import sharp from 'sharp'
import { eventually } from '../eventually.ts'
import { startDnsServer } from '../dns-server.ts'
import { type NodeProcess, nodeProcess } from '../node-process.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { subscribe } from '../subscriber.ts'
import { check, refuses } from './story-checks.ts'
import { playTenantStory } from './tenant-story.ts'

type Space = {
  did: string
  handle: string
  stats: { memberCount: number; messageCount: number; channelCount: number }
}
type Message = {
  uri: string
  text?: string
  edited: boolean
  replyCount: number
  attachments?: { url: string }[]
  reactions: { emoji: string; count: number }[]
}
type Items<T> = { items: T[] }
type Ref = { uri: string; cid: string }

const SPACES = 'co.kendev.spaces'

/** Two nodes on this machine, in two acts. Ada founds a space on node A, Ben takes part from his
 *  own PDS on node B, A is killed in the middle, and in the end Ben is gone; a salon comes to A.
 *  Throws where the story does not go as told. */
export async function playStory(tell: (line: string) => void): Promise<void> {
  await using parts = new AsyncDisposableStack()
  const begun = performance.now()
  const say = (line: string) =>
    tell(`${((performance.now() - begun) / 1000).toFixed(1).padStart(5)}s  ${line}`)

  const plc = parts.use(await nodeProcess('plc'))
  await plc.start()
  const shared = { ANGELOS_PLC_URL: plc.origin }
  const dns = parts.use(await startDnsServer())
  const forA = { ANGELOS_NAME: 'garage', ANGELOS_DNS_SERVERS: dns.address }
  const a = parts.use(await nodeProcess('start', { ...shared, ...forA }))
  const b = parts.use(await nodeProcess('start', { ...shared, ANGELOS_NAME: 'elsewhere' }))
  await Promise.all([a.start(), b.start()])
  say(`a PLC directory at ${plc.origin}, node A at ${a.origin}, node B at ${b.origin}`)

  const ada = await createPerson(a.origin, 'ada.garage.test')
  const ben = await createPerson(b.origin, 'ben.elsewhere.test')
  say(`Ada is ${ada.did} on A, Ben is ${ben.did} on B`)

  const space = await ada.call<Space>(`${SPACES}.createSpace`, {
    name: 'Corner Garage',
    description: 'Lifts, parts and good advice.',
    channels: [{ name: 'general' }, { name: 'projects' }],
  })
  const channels = await anybodyGet<Items<{ uri: string; name: string }>>(
    a.origin,
    `${SPACES}.listChannels`,
    { space: space.did },
  )
  const general = channels.items.find((channel) => channel.name === 'general')!
  check(space.stats.channelCount === 2, 'the space has its two channels')
  say(`Ada founded ${space.handle}, at://${space.did}/${SPACES}.space/self`)

  const subscriber = subscribe(a.origin, space.did)
  parts.defer(() => subscriber.close())

  const proxy = `did:web:${new URL(a.origin).host.replace(':', '%3A')}#angelos_appview`
  const announce = (method: string, record: Ref | { uri: string }) =>
    ben.call<{ uri: string; message?: Message }>(
      `${SPACES}.${method}`,
      { space: space.did, ...record },
      { proxy },
    )
  await refuses(
    () => ben.call(`${SPACES}.sendMessage`, { space: space.did, text: 'Hi' }, { proxy }),
    'NotAMember',
  )
  const request = await ben.create(
    `${SPACES}.membershipRequest`,
    { space: space.did, createdAt: now() },
    space.did,
  )
  await announce('join', request)
  say(`Ben joined with ${request.uri}`)
  await refuses(
    () => ben.call(`${SPACES}.sendMessage`, { space: space.did, text: 'Hi' }, { proxy }),
    'WriteAtYourPds',
  )

  const say1 = await benWrites(
    ben,
    space.did,
    general.uri,
    mention('Hello @ada, is the lift free?', ada),
  )
  await announce('sendMessage', say1)
  const picture = await ben.upload(await pictureOfABrake(), 'image/png')
  const say2 = await benWrites(ben, space.did, general.uri, {
    text: 'This caliper is stuck.',
    attachments: [{ file: picture, alt: 'A red brake caliper', width: 400, height: 300 }],
  })
  await announce('sendMessage', say2)
  say(`Ben wrote ${say1.uri} and, with a picture, ${say2.uri}`)

  await a.kill()
  say('node A was killed with SIGKILL')
  const say3 = await benWrites(
    ben,
    space.did,
    general.uri,
    link('I found the part: https://parts.example/42'),
  )
  await refuses(() => announce('sendMessage', say3))
  say(`Ben wrote ${say3.uri} while A was away`)
  await a.start()
  const list = () =>
    anybodyGet<Items<Message>>(a.origin, `${SPACES}.listMessages`, { space: space.did })
  await eventually(async () => check((await list()).items.length === 3, 'A caught up by itself'))
  await announce('sendMessage', say3)
  check((await list()).items.length === 3, 'announcing it again repeats nothing')
  say('A came back, had caught up from B’s firehose, and repeats nothing')

  const answer = await ada.call<{ uri: string; cid: string }>(`${SPACES}.sendMessage`, {
    space: space.did,
    channel: general.uri,
    text: 'Heat it, then a little patience.',
    reply: { root: say2, parent: say2 },
  })
  const thanks = await benWrites(ben, space.did, general.uri, {
    text: 'Thanks, that did it!',
    reply: { root: say2, parent: { uri: answer.uri, cid: answer.cid } },
  })
  await announce('sendMessage', thanks)
  const reaction = await ben.create(`${SPACES}.reaction`, {
    subject: { uri: answer.uri, cid: answer.cid },
    space: space.did,
    emoji: '🔧',
    createdAt: now(),
  })
  await announce('addReaction', reaction)
  say(`Ada answered with ${answer.uri}, Ben replied and reacted with 🔧`)

  const mine = await ada.get<Items<Space>>(`${SPACES}.listSpaces`, { filter: 'mine' })
  check(mine.items[0]?.stats.messageCount === 5, 'Ada’s space counts five messages')
  check(mine.items[0]?.stats.memberCount === 2, 'Ada’s space counts two members')
  const { thread } = await ada.get<{ thread: { message: Message; replies: ReplyTree[] } }>(
    `${SPACES}.getThread`,
    { uri: say2.uri },
  )
  check(thread.message.replyCount === 1, 'the picture has one direct reply')
  check(thread.replies[0]?.message.reactions[0]?.emoji === '🔧', 'the answer carries the reaction')
  check(
    thread.replies[0]?.replies[0]?.message.uri === thanks.uri,
    'the thanks are under the answer',
  )
  const found = await ada.get<Items<Message>>(`${SPACES}.searchMessages`, {
    space: space.did,
    q: 'patience',
  })
  check(found.items.map((m) => m.uri).join() === answer.uri, 'a search finds the answer only')
  const bytes = await fetch(thread.message.attachments![0]!.url)
  check(bytes.headers.get('content-type') === 'image/png', 'the picture can be loaded')
  say('Ada listed the space, read the thread, searched a word and saw the counters')

  const first = await ben.put(say1.uri, {
    ...mention('Hello @ada, is the lift free on Friday?', ada),
    space: space.did,
    channel: general.uri,
    createdAt: now(),
    editedAt: now(),
  })
  await announce('sendMessage', first)
  await ben.remove(say3.uri)
  await announce('sendMessage', { uri: say3.uri })
  const after = await list()
  check(!after.items.some((m) => m.uri === say3.uri), 'the deleted message is gone')
  check(after.items.find((m) => m.uri === say1.uri)?.edited === true, 'the edit shows')
  say('Ben edited his first message and deleted his third')

  await subscriber.until((told) => told.some((t) => t.kind === '#deleted'), 'the deletion')
  const created = subscriber.told.filter((t) => t.kind === '#created')
  const uris = created.map((t) => (t['message'] as Message).uri)
  check(new Set(uris).size === 5 && uris.length === 5, 'each message was delivered exactly once')
  check(subscriber.told.filter((t) => t.kind === '#updated').length === 1, 'one edit was delivered')
  say('a subscriber got every message exactly once, across the kill')

  await deleteAccount(ben, b.dataDir)
  await eventually(async () => {
    const { items } = await list()
    check(items.length === 1 && items[0]?.uri === answer.uri, 'only Ada’s message is left')
  })
  const left = await anybodyGet<Space>(a.origin, `${SPACES}.getSpace`, { space: space.did })
  check(left.stats.memberCount === 1, 'Ben is no member any more')
  await refuses(
    () => anybodyGet(a.origin, 'co.kendev.actor.getProfile', { actor: ben.did }),
    'NotFound',
  )
  say('Ben deleted his account and is gone from every view')

  const at = (node: NodeProcess, name: string) => ({
    url: node.origin,
    dataDir: node.dataDir,
    handleDomain: `.${name}.test`,
  })
  await playTenantStory({ a: at(a, 'garage'), b: at(b, 'elsewhere'), proxy, dns, say })
}

type ReplyTree = { message: Message; replies: ReplyTree[] }

const now = () => new Date().toISOString()

function benWrites(ben: Person, space: string, channel: string, content: object): Promise<Ref> {
  return ben.create(`${SPACES}.message`, { space, channel, ...content, createdAt: now() })
}

/** Facets count UTF-8 bytes, as Bluesky clients do. */
function facet(text: string, part: string, feature: object) {
  const byteStart = Buffer.byteLength(text.slice(0, text.indexOf(part)))
  return { index: { byteStart, byteEnd: byteStart + Buffer.byteLength(part) }, features: [feature] }
}

function mention(text: string, who: Person) {
  const feature = { $type: 'app.bsky.richtext.facet#mention', did: who.did }
  return { text, facets: [facet(text, '@ada', feature)] }
}

function link(text: string) {
  const uri = /https:\S+/.exec(text)![0]
  return { text, facets: [facet(text, uri, { $type: 'app.bsky.richtext.facet#link', uri })] }
}

function pictureOfABrake(): Promise<Buffer> {
  const create = { width: 400, height: 300, channels: 3, background: '#b22222' } as const
  return sharp({ create }).png().toBuffer()
}

/** As a person does it: ask for the mail, use the token from it. The mail goes nowhere here, so the
 *  token is read where the PDS keeps it. */
async function deleteAccount(who: Person, dataDir: string): Promise<void> {
  await who.call('com.atproto.server.requestAccountDelete')
  const db = new Database(join(dataDir, 'pds', 'account.sqlite'), { readonly: true })
  const { token } = db
    .prepare<[string], { token: string }>(
      `select token from email_token where did = ? and purpose = 'delete_account'`,
    )
    .get(who.did)!
  db.close()
  await who.call('com.atproto.server.deleteAccount', {
    did: who.did,
    password: 'a-long-password',
    token,
  })
}
