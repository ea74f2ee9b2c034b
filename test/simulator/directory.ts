import { createIdentityResolver, type IdentityResolver } from '../../src/identity/resolver.ts'
import { silentLog } from '../../src/log.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import type { Outbound } from '../../src/outbound/fetch.ts'
import { between } from '../fast/random.ts'
import { type Life, type World, timersOf } from './time.ts'

/** What the directory says of an account. */
export type Entry = { key: string; pds: string; handle: string }

/** Where DID documents come from: slow at times, dead at times, behind at times. */
export class Directory {
  readonly #world: World
  readonly #random: () => number
  readonly #entries = new Map<string, { entry: Entry | undefined; at: number }[]>()
  dead = false
  slow = false
  /** how old its answers are, in ms */
  behindMs = 0
  /** nothing has been wrong with it since then, or will be until then */
  calmSince = 0

  constructor(world: World, random: () => number) {
    this.#world = world
    this.#random = random
  }

  /** From now on the account is this; undefined when it has no document any more. */
  set(did: string, entry: Entry | undefined): void {
    const past = this.#entries.get(did) ?? []
    past.push({ entry, at: this.#world.now })
    this.#entries.set(did, past)
  }

  /** Those of whom it says what is not true any more, when its answers are so old. */
  outdated(behindMs: number): string[] {
    const since = this.#world.now - behindMs
    return [...this.#entries].flatMap(([did, past]) => (past.at(-1)!.at > since ? [did] : []))
  }

  /** The true entry now. */
  get(did: string): Entry | undefined {
    return this.#entries.get(did)?.at(-1)?.entry
  }

  /** The real resolver with its real cache, which asks this directory. */
  resolver(life: Life): IdentityResolver {
    const outbound: Outbound = async (url) => {
      const did = `did:web:${new URL(url).host}`
      await this.#world.wait(life, between(this.#random, 5, this.slow ? 2500 : 60))
      if (this.dead) throw new OutboundError('Unreachable', 'the directory is dead')
      return answer(documentOf(did, this.#at(did, this.#world.now - this.behindMs)))
    }
    const clock = timersOf(this.#world, life, this.#random)
    const plcUrl = 'https://plc.test'
    return createIdentityResolver({ plcUrl, development: false, clock, log: silentLog, outbound })
  }

  #at(did: string, moment: number): Entry | undefined {
    const past = this.#entries.get(did) ?? []
    return (past.findLast(({ at }) => at <= moment) ?? past[0])?.entry
  }
}

function documentOf(did: string, entry: Entry | undefined): object | undefined {
  if (entry === undefined) return undefined
  const publicKeyMultibase = entry.key.slice('did:key:'.length)
  return {
    id: did,
    alsoKnownAs: [`at://${entry.handle}`],
    verificationMethod: [
      { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase },
    ],
    service: [
      {
        id: '#atproto_pds',
        type: 'AtprotoPersonalDataServer',
        serviceEndpoint: entry.pds,
      },
    ],
  }
}

/** As much of a response as is read here, without the turns of the event loop a real one takes. */
function answer(document: object | undefined): Response {
  const bytes = Buffer.from(JSON.stringify(document ?? {}))
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  const ok = document !== undefined
  const body = Object.assign(chunks(), { cancel: async () => undefined })
  return { ok, status: ok ? 200 : 404, body } as unknown as Response
}
