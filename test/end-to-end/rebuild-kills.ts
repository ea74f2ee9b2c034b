import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { between, seeded } from '../fast/random.ts'
import { type NodeProcess, nodeProcess } from '../node-process.ts'
import { runCommand, startCommand } from '../run-command.ts'
import { subscribe } from '../subscriber.ts'
import { endOrphan, moreWrites, setStage, urlOf } from './kill.ts'
import { checkAll } from './kill-checks.ts'
import { type Stage, startWriters } from './kill-writers.ts'

const WRITERS = 3
const FULL_KILLS = 28
/** So long a rebuild of these few records works, once it has begun to. */
const REBUILD_MS = 2_500
const FIRST_WRITES = 150

/** Who is killed while a rebuild runs: the rebuild, and every third time the node with it. */
const VICTIMS = ['rebuild', 'rebuild', 'rebuild and node'] as const

/** What a series did. */
export type RebuildFigures = { kills: number; switches: number; acknowledged: number }

/** Rebuilds again and again while people write, and kills the rebuild, or the node as well, with
 *  SIGKILL at moments of the seed. A rebuild that comes to its end before is counted as a switch.
 *  At last one is let through, and then repos, views, figures and live feeds are held against
 *  what was acknowledged, and the views against the repos row by row. */
export async function rebuildSeries(options: {
  seed: number
  from: number
  kills: number
  report: (line: string) => void
}): Promise<RebuildFigures> {
  const { seed, from, kills, report } = options
  await using node = await nodeProcess('start', { ANGELOS_PLC_PORT: '0', ANGELOS_NAME: 'killed' })
  await using _orphan = { [Symbol.asyncDispose]: () => endOrphan(node) }
  await node.start()
  const stage = await setStage(node)
  const subscriber = subscribe(node.origin, stage.space)
  await using _listening = { [Symbol.asyncDispose]: () => subscriber.close() }
  const figures = { kills: 0, switches: 0, acknowledged: 0 }
  await writing(stage, seed, () => moreWrites(stage, FIRST_WRITES))
  for (let step = from; step < kills; step++) {
    const random = seeded(seed * 1_000 + step)
    await writing(stage, seed * 1_000 + step, async () => {
      const ended = await killRebuild(node, VICTIMS[step % VICTIMS.length]!, random)
      if (ended === 'switched') figures.switches += 1
      else figures.kills += 1
      await moreWrites(stage, 5)
      report(`step ${step + 1} of ${kills}: ${ended}, ${stage.notes.acknowledged} writes`)
    })
  }
  await writing(stage, seed, async () => {
    await succeed(['rebuild'], node)
    await moreWrites(stage, 5)
  })
  figures.switches += 1
  await checkAll(node.origin, stage, { subscriber, databaseUrl: urlOf(node.dataDir) })
  await succeed(['rebuild', '--verify'], node)
  await subscriber.close()
  const { acknowledged } = stage.notes
  report(`all is there after ${figures.kills} kills and ${figures.switches} switches`)
  return { ...figures, acknowledged }
}

/** The long series, of which tests run a sample. */
export async function fullRebuildKills(options: {
  seed: number
  from: number
  report: (line: string) => void
}): Promise<void> {
  await rebuildSeries({ ...options, kills: FULL_KILLS })
}

async function writing(stage: Stage, seed: number, work: () => Promise<void>): Promise<void> {
  const random = seeded(seed)
  const seeds = Array.from({ length: WRITERS }, () => between(random, 1, 2 ** 31))
  const writers = startWriters(stage, seeds)
  try {
    await work()
  } finally {
    await writers.stop()
  }
}

async function killRebuild(
  node: NodeProcess,
  victim: (typeof VICTIMS)[number],
  random: () => number,
): Promise<string> {
  const { child, ended } = startCommand(['rebuild'], node.env)
  await Promise.race([once(child.stdout!, 'data'), ended])
  await sleep(between(random, 0, REBUILD_MS))
  if (victim === 'rebuild and node') await node.kill()
  await sleep(between(random, 0, 100))
  child.kill('SIGKILL')
  const { code, stdout, stderr } = await ended
  if (victim === 'rebuild and node') await node.start()
  // A database that is just going with its node may end a rebuild before the signal does.
  if (code !== null && code !== 0 && victim === 'rebuild')
    throw new Error(`the rebuild ended with ${code}:\n${stdout}\n${stderr}`)
  return code === 0 ? 'switched' : `${victim} killed at "${stdout.trim().split('\n').at(-1)}"`
}

async function succeed(args: readonly string[], node: NodeProcess): Promise<void> {
  const { code, stdout, stderr } = await runCommand(args, node.env)
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
}
