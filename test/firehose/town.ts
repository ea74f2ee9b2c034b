import { type FollowOptions, type FollowLimits } from '../../src/firehose/follow-options.ts'
import { type Following, startFollowing } from '../../src/firehose/follow.ts'
import { type MemoryStore, createMemoryStore } from '../../src/firehose/memory-store.ts'
import { inlineVerifier } from '../../src/firehose/verifier.ts'
import { silentLog } from '../../src/log.ts'
import { FakeRepo, type FakeWrite, encodeFrame } from './fake-repo.ts'
import { createScriptedApi, createTime, createTransport } from './scripted.ts'

export const OWN = 'https://own.example.net'
export const NOTE = 'co.kendev.spaces.message'
const PAGE = 2

/** A note of an account; with an action other than create, of one that is there. */
export function note(rkey: string, action: FakeWrite['action'] = 'create'): FakeWrite {
  return { action, collection: NOTE, rkey, record: { text: `${action} ${rkey}` } }
}

/** An account at some host, and what its host tells of it. */
export type Inhabitant = {
  readonly repo: FakeRepo
  readonly did: string
  pds: string
  status: string
  /** no DID document is found any more */
  gone?: boolean
}

/** Hosts, accounts and a consumer of them, in time that passes when it is told to. */
export function createTown(
  options: { limits?: Partial<FollowLimits>; upstreams?: string[]; relays?: string[] } = {},
) {
  const time = createTime()
  const transport = createTransport()
  const hosts = createScriptedApi(PAGE)
  const store: MemoryStore = createMemoryStore({ clock: time.timers })
  const people = new Map<string, Inhabitant>()
  const seqs = new Map<string, number>()
  const asked: string[] = []
  hosts.put(OWN)
  const api: FollowOptions['api'] = {
    ...hosts.api,
    repo: (service, did) => {
      asked.push(did)
      return hosts.api.repo(service, did)
    },
  }

  /** What the host of an account says when it is asked, as things are now. */
  const publish = ({ repo, did, pds, status }: Inhabitant) =>
    hosts.put(pds, {
      did,
      rev: repo.rev,
      active: status === 'active',
      ...(status !== 'active' && { status }),
      collections: [NOTE],
      ...(status === 'active' && { car: () => repo.whole() }),
    })
  const next = (host: string) => {
    seqs.set(host, (seqs.get(host) ?? 0) + 1)
    return seqs.get(host)!
  }
  const send = (host: string, frame: Uint8Array) => transport.send(host, frame)
  const say = (host: string, type: string, message: Record<string, unknown>) =>
    send(host, encodeFrame(type, { seq: next(host), time: '2026-01-01T00:00:00.000Z', ...message }))

  return {
    ...time,
    transport,
    hosts,
    api,
    store,
    /** DIDs of the repos fetched so far */
    asked,
    publish,
    next,
    say,
    /** A new account with some notes, which its host does not tell of by itself. */
    async settle(name: string, pds: string, keys: readonly string[] = []): Promise<Inhabitant> {
      const did = `did:plc:${name.padEnd(24, 'a')}`
      const repo = await FakeRepo.create(
        did,
        keys.map((rkey) => note(rkey)),
      )
      const person: Inhabitant = { repo, did, pds, status: 'active' }
      people.set(did, person)
      publish(person)
      return person
    },
    /** The account writes and its host tells of it; answers the frame. */
    async write(person: Inhabitant, ...writes: FakeWrite[]): Promise<Uint8Array> {
      const frame = await person.repo.write(next(person.pds), writes)
      publish(person)
      send(person.pds, frame)
      return frame
    },
    /** The account writes and nobody hears of it. */
    async writeUnheard(person: Inhabitant, ...writes: FakeWrite[]): Promise<void> {
      await person.repo.commit(writes)
      publish(person)
    },
    /** The host tells the status of the account. */
    tellStatus({ did }: Inhabitant, host: string, status: string): void {
      const active = status === 'active'
      say(host, '#account', { did, active, ...(!active && { status }) })
    },
    /** Starts a consumer on the store, which may have had one before. */
    async start(): Promise<Following> {
      return startFollowing({
        own: { host: OWN, service: OWN },
        upstreams: options.upstreams ?? [],
        relays: options.relays ?? [],
        relayHosts: false,
        prefix: 'co.kendev.',
        collections: [NOTE],
        store,
        api,
        resolver: {
          resolve: async (did) => {
            const person = people.get(did)
            return person && !person.gone ? person.repo.identity(person.pds) : undefined
          },
        },
        verifier: inlineVerifier({ collections: 'co.kendev.' }),
        connect: transport.connect,
        timers: time.timers,
        log: silentLog,
        proveHandle: async () => undefined,
        publicOnly: false,
        onApplied: () => undefined,
        ...(options.limits && { limits: options.limits }),
      })
    },
    /** Whether a note of an account is shown. */
    shows: ({ did }: Inhabitant, key: string) =>
      store.dump().shown.includes(`at://${did}/${NOTE}/${key}`),
    /** Keys of the notes that are shown of an account. */
    shown({ did }: Inhabitant): string[] {
      const prefix = `at://${did}/${NOTE}/`
      const uris = store.dump().shown.filter((uri) => uri.startsWith(prefix))
      return uris.map((uri) => uri.slice(prefix.length)).toSorted()
    },
    accountOf: ({ did }: Inhabitant) => store.dump().accounts.find((one) => one.did === did),
  }
}
