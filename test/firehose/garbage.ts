import { encode } from '@atcute/cbor'
import { seeded } from '../fast/random.ts'
import { type Inhabitant, createTown, note } from './town.ts'
import { lies } from './lies.ts'
import { malformations } from './malformations.ts'

const HONEST = 'https://honest.example.net'
const FOUL = 'https://foul.example.net'
const GARBAGE_PER_SECOND = 20
const LAG_MAX_MS = 1_000

/** What a stretch of time came to; `garbage` is what the foul host got rid of before it was hung up
 *  on, and lags are from a commit to its record being shown, in simulated ms. */
export type Stretch = { minute: number; commits: number; garbage: number; lags: number[] }

/**
 * One host tells of a commit each second, another sends nothing but garbage, every kind of it, as
 * often as it is connected. Time is simulated; answers one stretch for each `minutes / 6`.
 */
export async function garbageHour(options: {
  seed: number
  minutes: number
  foul: boolean
}): Promise<{ stretches: Stretch[]; banned: string | null; cpuMs: number }> {
  const town = createTown({ upstreams: [HONEST, FOUL] })
  const random = seeded(options.seed)
  const ada = await town.settle('ada', HONEST)
  const victim = await town.settle('victim', FOUL, ['first'])
  town.hosts.put(FOUL)
  const following = await town.start()
  await town.run(60_000)
  const before = process.cpuUsage()
  const stretches: Stretch[] = []
  for (let second = 0; second < options.minutes * 60; second += 1) {
    if (second % (options.minutes * 10) === 0)
      stretches.push({ minute: Math.round(second / 60), commits: 0, garbage: 0, lags: [] })
    const stretch = stretches.at(-1)!
    for (let n = 0; options.foul && n < GARBAGE_PER_SECOND && town.transport.isOpen(FOUL); n += 1) {
      town.transport.send(FOUL, await garbageOf(random, victim, town.next(FOUL)))
      stretch.garbage += 1
    }
    const key = `n${String(second).padStart(5, '0')}`
    await town.write(ada, note(key))
    stretch.commits += 1
    stretch.lags.push(await lagOf(town, ada, key))
    await town.run(1_000 - Math.min(stretch.lags.at(-1)!, 999))
  }
  const { user, system } = process.cpuUsage(before)
  const banned = following.hosts.rows().find(({ host }) => host === FOUL)?.banned ?? null
  void following.close()
  return { stretches, banned, cpuMs: Math.round((user + system) / 1_000) }
}

/** Noise, frames of wrong shapes, and commits with every lie there is. */
async function garbageOf(
  random: () => number,
  { repo }: Inhabitant,
  seq: number,
): Promise<Uint8Array> {
  const kind = random()
  if (kind < 0.25) return Uint8Array.from({ length: 200 }, () => Math.floor(random() * 256))
  if (kind < 0.5) return Buffer.concat([encode({ op: 1, t: '#commit' }), encode({ seq })])
  if (kind < 0.6) return Buffer.alloc(100_000, 0x81)
  // Those of megabytes would only measure how fast memory is filled here.
  const small = [...lies, ...malformations].filter(({ reason }) => !reason.endsWith('TooLarge'))
  const lie = small[Math.floor(random() * small.length)]!
  return repo.write(seq, [note(`lie${seq}`)], lie.tampering())
}

async function lagOf(
  town: ReturnType<typeof createTown>,
  person: Inhabitant,
  key: string,
): Promise<number> {
  for (let ms = 0; ms < LAG_MAX_MS; ms += 5) {
    if (town.shows(person, key)) return ms
    await town.run(5)
  }
  return LAG_MAX_MS
}

/** The whole hour with and without the foul host, told stretch by stretch. Throws when the lag of
 *  the honest host was longer with it. */
export async function fullGarbage(options: {
  seed: number
  report: (line: string) => void
}): Promise<void> {
  const { seed, report } = options
  const worst: number[] = []
  for (const foul of [false, true]) {
    const { stretches, banned, cpuMs } = await garbageHour({ seed, minutes: 60, foul })
    report(foul ? 'beside a host that sends garbage:' : 'alone:')
    for (const { minute, commits, garbage, lags } of stretches) {
      const [mean, max] = [lags.reduce((a, b) => a + b, 0) / lags.length, Math.max(...lags)]
      const times = `lag ${mean.toFixed(1)} ms on average, ${max} ms at most`
      report(`  minute ${minute}: ${commits} commits, ${times}; ${garbage} frames of garbage`)
    }
    report(`  ${cpuMs} ms of processor time; ${banned ?? 'nobody banned'}`)
    worst.push(Math.max(...stretches.flatMap(({ lags }) => lags)))
  }
  if (worst[1]! > worst[0]!) throw new Error(`garbage of one host delayed another: ${worst[1]} ms`)
}
