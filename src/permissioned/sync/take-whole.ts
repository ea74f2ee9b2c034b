import { untilAborted } from '../../pacing/unless-aborted.ts'
import {
  type Asking,
  type RepoOutcome,
  type RepoSyncPorts,
  ask,
  failed,
  faultOf,
} from './asking.ts'
import { type RepoCar, readRepoCar } from '../format/repo-car.ts'
import { SetHash, sameHash } from '../format/set-hash.ts'
import type { SpacePart, SpaceRecordWrite } from '../sink.ts'

const HELD_PAGE = 1_000
const BREATHE_ENTRIES = 500

/**
 * Takes over the whole repo. Its commit and its index come first, and until the one is found to be
 * the author's and the other to be what it says, nothing is taken in; from then on each record can
 * be believed as it comes, and the state moves with the last.
 */
export async function takeWhole(asking: Asking, ports: RepoSyncPorts): Promise<RepoOutcome> {
  const { api, timers, limits } = ports
  const answer = await ask(asking, ports, (asked) => api.repo(asked, asking.did))
  if (!answer.ok) return failed(answer.name, asking.who.pds)
  const breathe = () => timers.breathe()
  const car = await readRepoCar(untilAborted(answer.body, asking.signal), { breathe })
  if (!car.ok) return failed(car.fault, 'the CAR')
  await using _ = car
  const time = { now: timers.now(), revAhead: limits.revAhead }
  const fault = faultOf(car.commit, asking, time)
  if (fault !== undefined) return failed(fault, `the commit of ${car.commit.rev}`)
  const { index, hash } = await fold(car, breathe)
  if (!sameHash(hash.digest(), car.commit.hash)) return failed('BadHash', 'the index')
  await asking.beginWhole()
  const { rev } = car.commit
  const pages = new Pages(asking, rev, ports)
  await removeGone(asking, { index, pages }, ports)
  for await (const block of car.blocks()) {
    if ('fault' in block) return failed(block.fault, 'the CAR')
    const { path, cid, bytes } = block
    // What is left in the index is not held yet.
    if (index.has(path)) await pages.add(path, { cid, bytes })
  }
  await pages.end(hash.state())
  return { ok: true, rev }
}

/** What the index says, and the set hash of it. */
async function fold(
  car: RepoCar,
  breathe: () => Promise<void>,
): Promise<{ index: Map<string, string>; hash: SetHash }> {
  const index = new Map<string, string>()
  const hash = new SetHash()
  for (const { path, cid } of car.entries()) {
    index.set(path, cid)
    hash.add(path, cid)
    if (index.size % BREATHE_ENTRIES === 0) await breathe()
  }
  return { index, hash }
}

/** Takes out what is held and not in the index, and out of the index what is held as it says. */
async function removeGone(
  { space, did }: Asking,
  { index, pages }: { index: Map<string, string>; pages: Pages },
  { sink }: RepoSyncPorts,
): Promise<void> {
  for (let after = ''; ;) {
    const held = await sink.held(space, did, after, HELD_PAGE)
    for (const { path, cid } of held) {
      const listed = index.get(path)
      if (listed === cid) index.delete(path)
      else if (listed === undefined) await pages.add(path, null)
    }
    if (held.length < HELD_PAGE) return
    after = held.at(-1)!.path
  }
}

/** Writes that are stored a page at a time. */
class Pages {
  readonly #asking: Asking
  readonly #rev: string
  readonly #ports: RepoSyncPorts
  #writes: SpaceRecordWrite[] = []
  #bytes = 0

  constructor(asking: Asking, rev: string, ports: RepoSyncPorts) {
    this.#asking = asking
    this.#rev = rev
    this.#ports = ports
  }

  /** The record as it is now. Which revision brought it is not told: it was here at this one. */
  async add(path: string, record: { cid: string; bytes: Uint8Array } | null): Promise<void> {
    const { page, pageBytes } = this.#ports.limits
    if (this.#writes.length >= page || this.#bytes >= pageBytes) await this.#flush()
    const slash = path.indexOf('/')
    const [collection, rkey] = [path.slice(0, slash), path.slice(slash + 1)]
    const { cid, bytes } = record ?? { cid: null, bytes: null }
    this.#writes.push({ collection, rkey, rev: this.#rev, cid, bytes })
    this.#bytes += bytes?.length ?? 0
  }

  /** Stores the last of them, and that the repo is whole. */
  async end(setHash: Uint8Array): Promise<void> {
    await this.#ports.sink.apply({ ...this.#part(), setHash })
  }

  async #flush(): Promise<void> {
    await this.#ports.sink.page(this.#part())
    this.#writes = []
    this.#bytes = 0
  }

  #part(): SpacePart {
    const { space, did, signal } = this.#asking
    signal.throwIfAborted()
    return { space, did, rev: this.#rev, writes: this.#writes }
  }
}
