import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../eventually.ts'
import type { Sample } from './consumer-child.ts'
import { type Consumer, startConsumer } from './consumer.ts'
import { type Stage, openStage } from './stage.ts'

const FULL_EVENTS = 2_000_000
/** What each batch takes longer than it would. */
const SLOW_MS = 40
const SAMPLE_MS = 2_000
const REPORT_MS = 60_000
/** How much more of it there may be in the end than in the middle. */
const GROWTH_MAX = 1.1

export type MemoryFigures = {
  events: number
  seconds: number
  /** bytes after a collection, medians of the parts of the run */
  heap: Parts
  rss: Parts
  paused: number
  /** most frames between socket and store */
  queued: number
}

type Parts = { start: number; middle: number; end: number }

/** The long run, of which tests run a sample; throws when memory has grown. */
export async function fullMemory(options: {
  events: number
  report: (line: string) => void
}): Promise<void> {
  const events = options.events || FULL_EVENTS
  const figures = await ingestMemory({ ...options, events })
  const grown = [figures.heap, figures.rss].filter(({ middle, end }) => end > middle * GROWTH_MAX)
  if (grown.length > 0) throw new Error('memory has grown from the middle to the end')
}

/** Lets a consumer take in so many commits from a host that has no end of them, into a slow
 *  database, and says how much memory it has needed. Throws when one of them was not taken in. */
export async function ingestMemory(options: {
  events: number
  report: (line: string) => void
}): Promise<MemoryFigures> {
  const { events, report } = options
  await using parts = new AsyncDisposableStack()
  const stage = parts.use(await openStage())
  const stream = fork(new URL('stream-child.ts', import.meta.url), [String(events)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  parts.defer(() => end(stream))
  const [{ origin, plcUrl }] = (await once(stream, 'message')) as [Served]
  const consumer = parts.use(
    startConsumer({
      databaseUrl: stage.url,
      plcUrl,
      own: origin,
      upstreams: [],
      follow: [],
      shards: 1,
      slowMs: SLOW_MS,
      patient: true,
    }),
  )
  const begun = performance.now()
  const samples = await watch(consumer, options)
  const seconds = Math.round((performance.now() - begun) / 1000)
  await eventually(() => checkTaken(stage, origin, events), 60_000)
  const heap = partsOf(samples, events, ({ heap: bytes }) => bytes)
  const rss = partsOf(samples, events, ({ rss: bytes }) => bytes)
  const { paused = 0 } = samples.at(-1) ?? {}
  const queued = Math.max(...samples.map((sample) => sample.queued))
  report(`${events} commits in ${seconds} s, the socket was paused ${paused} times`)
  report(`heap ${told(heap)}; RSS ${told(rss)}; at most ${queued} frames waited`)
  return { events, seconds, heap, rss, paused, queued }
}

type Served = { origin: string; plcUrl: string }

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Looks at the consumer until it has taken in everything. */
async function watch(
  consumer: Consumer,
  { events, report }: { events: number; report: (line: string) => void },
): Promise<Sample[]> {
  const samples: Sample[] = []
  const every = Math.min(SAMPLE_MS, Math.max(200, events / 100))
  let said = performance.now()
  await consumer.begun()
  for (;;) {
    const sample = await consumer.sample()
    samples.push(sample)
    const { applied, heap, rss, queued, verifying, paused } = sample
    if (applied >= events) return samples
    if (performance.now() - said > REPORT_MS) {
      said = performance.now()
      const waiting = `${queued} frames wait, ${verifying} for a verdict`
      report(`${applied}: heap ${mb(heap)}, RSS ${mb(rss)}, ${waiting}, paused ${paused} times`)
    }
    await sleep(every)
  }
}

async function checkTaken({ pool }: Stage, host: string, events: number): Promise<void> {
  const { rows: refused } = await pool.query('select reason from appview."refusedCommit" limit 1')
  if (refused.length > 0) throw new Error(`a commit was refused: ${JSON.stringify(refused[0])}`)
  const { rows: behind } = await pool.query(
    `select did, state, "stateReason" from appview.account where state <> 'synchronized' limit 1`,
  )
  if (behind.length > 0) throw new Error(`a repo is not whole: ${JSON.stringify(behind[0])}`)
  const { rows } = await pool.query<{ cursor: string }>(
    'select cursor from appview.cursor where host = $1',
    [host],
  )
  if (Number(rows[0]?.cursor) !== events) throw new Error(`the cursor is ${rows[0]?.cursor}`)
}

/** Medians of the first tenth, the fifth in the middle, and the last tenth; what is told again is
 *  counted again. */
function partsOf(samples: readonly Sample[], events: number, of: (one: Sample) => number): Parts {
  const between = (from: number, to: number) => {
    const some = samples.filter(({ applied }) => applied >= events * from && applied <= events * to)
    const sorted = some.map(of).toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? NaN
  }
  return { start: between(0, 0.1), middle: between(0.4, 0.6), end: between(0.9, 2) }
}

function told({ start, middle, end: last }: Parts): string {
  return `${mb(start)} at the start, ${mb(middle)} in the middle, ${mb(last)} at the end`
}

function mb(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(0)} MB`
}
