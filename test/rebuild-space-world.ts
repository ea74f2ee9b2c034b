import type { LexMap } from '@atproto/lex'
import { createSpaceSink } from '../src/appview/space-sink.ts'
import { systemTimers } from '../src/clock.ts'
import { silentLog } from '../src/log.ts'
import { type Audience, audienceUri } from '../src/permissioned/audience.ts'
import { postgresFollowStore } from '../src/permissioned/sync/postgres-follow-store.ts'
import { SetHash } from '../src/permissioned/format/set-hash.ts'
import type { SpaceSink } from '../src/permissioned/sink.ts'
import { type SpaceStore, createSpaceStore } from '../src/permissioned/store/store.ts'
import { type Tail, createTail } from '../src/permissioned/store/tail.ts'
import { createTids } from '../src/tid.ts'
import { NOW } from './appview-database.ts'
import { World } from './rebuild-world.ts'
import { writeOf } from './record.ts'

export const KIOSK = 'did:plc:kiosk'
export const [ADA, BEN, EVE, GUEST, VIC, FAR] = ['ada', 'ben', 'eve', 'guest', 'vic', 'far'].map(
  (name) => `did:plc:${name}`,
) as [string, string, string, string, string, string]
/** A space of an authority elsewhere, that this node follows. */
export const REMOTE = 'at://did:plc:club/space/co.kendev.spaces.privateSpace/members'
const at = NOW.toISOString()

export const kiosk = (audience: Audience) => audienceUri(KIOSK, audience)
const nsid = (name: string) => `co.kendev.${name}`

/** A world in which people also write into permissioned repos. */
export class SpacesWorld extends World {
  readonly spaceStore: SpaceStore
  readonly sink: SpaceSink
  readonly tail: Tail
  readonly nextTid = createTids({ now: () => new Date(NOW.getTime() + 1_000) })
  /** what hosts elsewhere have of repos in spaces of others */
  readonly #far = new Map<string, { hash: SetHash; cids: Map<string, string> }>()

  constructor(...given: ConstructorParameters<typeof World>) {
    super(...given)
    const { pool, indexer } = this.db
    const clock = { now: () => NOW }
    const timers = { ...systemTimers, ...clock }
    this.spaceStore = createSpaceStore({
      pool,
      clock,
      nextTid: this.nextTid,
      validate: () => ({ ok: true }),
    })
    const progress = { advance: () => undefined }
    this.sink = createSpaceSink({ pool, indexer, progress, clock, named: () => undefined })
    const given2 = { sql: pool, sink: this.sink, store: this.spaceStore, timers, log: silentLog }
    this.tail = createTail(given2)
  }

  /** A write into a repo in a space that is kept here; without a record, a deletion. */
  async put(
    did: string,
    space: string,
    { collection, rkey, record }: { collection: string; rkey: string; record?: object },
    { source, told = true }: { source?: 'local'; told?: boolean } = {},
  ): Promise<void> {
    const $type = nsid(collection)
    const value = record && ({ $type, ...record } as LexMap)
    const action = value ? ('put' as const) : ('delete' as const)
    const write = { action, collection: $type, rkey, ...(value && { record: value }) }
    await this.spaceStore.applyWrites({ space, did, writes: [write], ...(source && { source }) })
    if (told) await this.tail.drain()
  }

  /** A write in a space of others that the syncer has brought; a record of `undefined` deletes. */
  async brought(space: string, did: string, writes: Record<string, object | undefined>) {
    const key = `${space} ${did}`
    const repo = this.#far.get(key) ?? { hash: new SetHash(), cids: new Map<string, string>() }
    this.#far.set(key, repo)
    const rev = this.nextTid()
    const taken = []
    for (const [path, record] of Object.entries(writes)) {
      const [collection = '', rkey = ''] = path.split('/')
      const held = repo.cids.get(path)
      if (held !== undefined) repo.hash.remove(path, held)
      repo.cids.delete(path)
      const w = record && (await writeOf({ collection, did, rkey, rev, record }))
      if (w?.cid) repo.hash.add(path, w.cid)
      if (w?.cid) repo.cids.set(path, w.cid)
      taken.push({ collection, rkey, rev, cid: w?.cid ?? null, bytes: w?.bytes ?? null })
    }
    await this.sink.apply({ space, did, rev, setHash: repo.hash.state(), writes: taken })
  }

  /** A private space with several audiences and people who come, write, move and go. */
  async begin(): Promise<void> {
    await postgresFollowStore(this.db.pool).follow(REMOTE, ADA, NOW)
    const admit = (subject: string, role = 'member') => ({
      collection: 'spaces.membership',
      rkey: subject,
      record: { subject, role, joinedAt: at },
    })
    const members = kiosk('members')
    for (const who of [ADA, BEN, EVE, GUEST]) await this.put(KIOSK, members, admit(who))
    await this.put(VIC, members, message(50, 'Said by a viewer'))
    await this.put(KIOSK, members, admit(VIC, 'viewer'))
    await this.put(KIOSK, members, {
      collection: 'spaces.channel',
      rkey: 'workshop',
      record: { space: KIOSK, name: 'Workshop', createdAt: at },
    })
    await this.put(KIOSK, kiosk('managers'), {
      collection: 'spaces.memberCrm',
      rkey: BEN,
      record: { subject: BEN, notes: 'Pays cash.', createdAt: at },
    })
    for (const [n, who] of [ADA, BEN, EVE].entries())
      await this.put(who, members, message(n, `Hello from ${who}`))
    await this.put(GUEST, members, message(100, 'Is the lift free?'), { source: 'local' })
    // A draft that was published, and one that was taken back into the staff's audience.
    await this.put(KIOSK, kiosk('staff'), post(SPRING, 'Spring is coming'))
    await this.publish(SPRING, 'Spring is coming')
    await this.put(KIOSK, kiosk('staff'), { collection: 'content.post', rkey: SPRING })
    await this.publish(SALE, 'A sale')
    await this.put(KIOSK, kiosk('staff'), post(SALE, 'A sale, or not'))
    await this.put(KIOSK, kiosk('staff'), post(PLAN, 'Only the plan'))
    await this.put(KIOSK, members, { collection: 'spaces.membership', rkey: EVE })
    await this.brought(REMOTE, FAR, {
      [`${nsid('spaces.message')}/${key(300)}`]: {
        space: 'did:plc:club',
        text: 'Afar',
        createdAt: at,
      },
      [`${nsid('spaces.message')}/${key(301)}`]: {
        space: 'did:plc:club',
        text: 'Gone',
        createdAt: at,
      },
    })
    await this.brought(REMOTE, FAR, { [`${nsid('spaces.message')}/${key(301)}`]: undefined })
    await this.brought(REMOTE, 'did:plc:club', {
      [`${nsid('spaces.membership')}/${FAR}`]: { subject: FAR, role: 'member', joinedAt: at },
    })
  }

  /** The kiosk's post as everybody may read it. */
  async publish(rkey: string, title: string): Promise<void> {
    const { collection, record } = post(rkey, title)
    const rev = this.nextTid()
    await this.commit(
      await writeOf({ collection: nsid(collection), did: KIOSK, rkey, rev, record }),
    )
  }

  /** More of the same, in each kind of place. */
  async more(n: number): Promise<void> {
    await this.put(ADA, kiosk('members'), message(200 + n, `More ${n}`))
    await this.put(GUEST, kiosk('members'), message(100, `Is it ${n}?`), { source: 'local' })
    if (n % 3 === 0) await this.put(KIOSK, kiosk('staff'), post(PLAN, `Plan ${n}`))
    if (n % 3 === 1) await this.publish(PLAN, `Plan ${n}`)
    await this.brought(REMOTE, FAR, {
      [`${nsid('spaces.message')}/${key(310 + n)}`]: {
        space: 'did:plc:club',
        text: `${n}`,
        createdAt: at,
      },
      [`${nsid('spaces.message')}/${key(309 + n)}`]: undefined,
    })
  }
}

/** Keys of the kiosk's posts. */
export const [PLAN, SALE, SPRING] = [key(501), key(502), key(503)] as const

/** The key of a message. */
export function key(n: number): string {
  const digits = String(n).padStart(6, '0')
  return `3m6bkl3${digits.replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!)}`
}

/** A message in the kiosk. */
export const message = (n: number, text: string) => ({
  collection: 'spaces.message',
  rkey: key(n),
  record: { space: KIOSK, text, createdAt: at },
})

const post = (rkey: string, title: string) => ({
  collection: 'content.post',
  rkey,
  record: { title, createdAt: at },
})
