import type { HostApi } from '../../src/firehose/host-api.ts'
import { type Refusal } from '../../src/firehose/refusal.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { between } from '../fast/random.ts'
import type { Host, Served } from './host.ts'
import { type RepoState, repoCar } from './repo.ts'
import type { Life, World } from './time.ts'
import { carBytes } from './tree.ts'

const SLOW_MS = 20_000

/** What hosts answer to one life of a consumer. */
export function apiOf(
  hosts: ReadonlyMap<string, Host>,
  {
    world,
    random,
    life,
    stale,
  }: { world: World; random: () => number; life: Life; stale: (did: string) => void },
): HostApi {
  async function ask(service: string): Promise<Host> {
    const host = hosts.get(new URL(service).origin)
    const slow = host !== undefined && random() < host.api.slow
    await world.wait(life, between(random, 10, 150) + (slow ? SLOW_MS : 0))
    if (host === undefined || host.down || random() < host.api.fail) {
      throw new OutboundError('Unreachable', `no answer from ${service}`)
    }
    return host
  }

  async function* pieces(bytes: Uint8Array, host: Host): AsyncGenerator<Uint8Array> {
    const end = random() < host.api.truncate ? between(random, 0, bytes.length - 1) : bytes.length
    const size = between(random, 200, 4000)
    const pause = random() < 0.5 ? 400 : 20
    for (let at = 0; at < end; at += size) {
      await world.wait(life, between(random, 0, pause))
      yield bytes.subarray(at, Math.min(end, at + size))
    }
    if (end < bytes.length && random() < 0.5) throw new OutboundError('Unreachable', 'broken off')
  }

  return {
    async repo(service, did) {
      const host = await ask(service)
      const served = host.served.get(did)
      if (served === undefined || served.status !== 'active') return refusalOf(served)
      const state = random() < host.api.stale ? (served.past.at(-3) ?? served.state) : served.state
      if (state !== served.state) stale(did)
      const car = random() < host.api.lacking ? lackingCar(state) : repoCar(state)
      return { ok: true, body: pieces(car, host) }
    },
    async repoStatus(service, did) {
      const served = (await ask(service)).served.get(did)
      if (served === undefined) return undefined
      const { status, state } = served
      return status === 'active' ? { active: true, rev: state.rev } : { active: false, status }
    },
    listRepos: async (service, cursor) => (await ask(service)).list(cursor),
    async listReposByCollection(service, collection, cursor) {
      const host = await ask(service)
      const items = [...host.served]
        .filter(([, { state }]) => [...state.records.keys()].some((p) => p.startsWith(collection)))
        .map(([did]) => did)
      return cursor === undefined ? { items } : { items: [] }
    },
    async listHosts(service) {
      await ask(service)
      return { items: [...hosts.keys()].filter((origin) => origin !== service) }
    },
  }
}

function refusalOf(served: Served | undefined): Refusal {
  const status = served?.status ?? 'unknown'
  const names: Record<string, string> = {
    deactivated: 'RepoDeactivated',
    suspended: 'RepoSuspended',
    takendown: 'RepoTakendown',
  }
  const reason = (names[status] ?? 'RepoNotFound') as Refusal['reason']
  return { ok: false, reason, detail: status }
}

/** A CAR that has been signed for, with about half of its records left out. */
function lackingCar(state: RepoState): Uint8Array {
  const records = [...state.records.values()].filter((_, n) => n % 2 === 0)
  return carBytes(state.commit.cid, [state.commit, ...state.tree.nodes.values(), ...records])
}
