import { verifyProofs } from '@atproto/repo'
import { systemClock } from '../src/clock.ts'
import { k256BackendName, verifySignature } from '../src/crypto/ecdsa.ts'
import { cidKey, readCarSlice } from '../src/firehose/car.ts'
import { readCommit } from '../src/firehose/commit-object.ts'
import { decodeFrame } from '../src/firehose/frame.ts'
import { invertOps } from '../src/firehose/mst-invert.ts'
import { verifyHere } from '../src/firehose/verifier.ts'
import { parseCid } from '@atproto/lex'
import { type Captured, captureCreates } from './ingest-capture.ts'
import { poolFigures } from './ingest-pool.ts'
import { median, orderOf, pairedRatio } from './paired.ts'
import type { BenchResult, Figure } from './result.ts'

const GOAL = 5
const FRAMES = 2000
const ROUNDS = 8
/** Frames of one slot; ours takes them several times, so that both sides run about a second. */
const SLOT = 400
const REPEATS = { ours: 15, reference: 1 }

type Side = keyof typeof REPEATS

/**
 * Frames of one create each, captured from the reference PDS: decoded and verified by us, with the
 * operations undone, against `verifyProofs` of @atproto/repo as the firehose client of
 * @atproto/sync calls it, which neither decodes the frame nor undoes anything. Both take the same
 * frames in turns; what counts is commits by CPU time of the process.
 */
export async function benchVerify(report: (line: string) => void): Promise<BenchResult> {
  const captured = await captureCreates(FRAMES)
  report(`${captured.length} frames, ${average(captured)} bytes, secp256k1 by ${k256BackendName}`)
  for (const item of captured) verifyOurs(item)
  await measure('reference', captured.slice(0, SLOT))
  const speeds: Record<Side, number[]> = { ours: [], reference: [] }
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = (round * SLOT) % (captured.length - SLOT)
    const slot = captured.slice(from, from + SLOT)
    for (const side of orderOf(['ours', 'reference'] as const, round)) {
      speeds[side].push(await measure(side, slot))
    }
  }
  const ratio = pairedRatio(speeds.ours, speeds.reference)
  const [ours, reference] = [median(speeds.ours), median(speeds.reference)].map(Math.round)
  report(`verified commits by CPU second: ours ${ours}, reference ${reference}`)
  report(`ratio ${ratio.median.toFixed(1)} (${ratio.min.toFixed(1)} to ${ratio.max.toFixed(1)})`)
  return {
    bench: 'ingest verify',
    goal: GOAL,
    ours: ours ?? NaN,
    reference: reference ?? NaN,
    ratio: Number(ratio.median.toFixed(2)),
    unit: 'commits/CPU s',
    more: [...stepFigures(captured, report), ...(await poolFigures(captured, report))],
  }
}

async function measure(side: Side, slot: readonly Captured[]): Promise<number> {
  const start = process.cpuUsage()
  for (let repeat = 0; repeat < REPEATS[side]; repeat += 1) {
    for (const item of slot) {
      if (side === 'ours') verifyOurs(item)
      else await verifyReference(item)
    }
  }
  return (slot.length * REPEATS[side]) / (cpuUs(start) / 1e6)
}

function verifyOurs({ frame, identity }: Captured): void {
  const decoded = decodeFrame(frame)
  if (decoded.kind !== 'message' || decoded.message.kind !== 'commit') throw new Error('no commit')
  const verdict = verifyHere({ message: decoded.message, identity, now: systemClock.now() }, '')
  if (!verdict.ok) throw new Error(`${verdict.reason}: ${verdict.detail}`)
}

async function verifyReference({ message, identity }: Captured): Promise<void> {
  const claims = message.ops.map(({ path, cid }) => {
    const [collection = '', rkey = ''] = path.split('/')
    return { collection, rkey, cid: cid && parseCid(cid.$link) }
  })
  const { did, signingKey } = identity
  const { unverified } = await verifyProofs(message.blocks, claims, did, signingKey)
  if (unverified.length > 0) throw new Error('the reference does not take its own frame')
}

/** What each step costs us; the record's block and the path are checked in less than 2 µs. */
function stepFigures(captured: readonly Captured[], report: (line: string) => void): Figure[] {
  const now = systemClock.now()
  const parts = captured.map(({ frame, message, identity }) => {
    const car = readCarSlice(message.blocks)
    const block = car.ok ? car.blocks.get(cidKey(car.root)) : undefined
    const commit = block && readCommit(block, identity, now)
    if (!car.ok || !block || !commit?.ok) throw new Error('not verified before')
    const { ops, prevData } = message
    return { frame, message, identity, block, change: { ...car, data: commit.data, ops, prevData } }
  })
  // Of no key, so that it is looked at in full; a wrong length would not be.
  const signature = new Uint8Array(64).fill(1)
  const steps: [string, (part: (typeof parts)[number]) => unknown][] = [
    ['decode the frame', ({ frame }) => decodeFrame(frame)],
    ['read the CAR, hash the blocks', ({ message }) => readCarSlice(message.blocks)],
    ['commit object and signature', ({ block, identity }) => readCommit(block, identity, now)],
    [
      'of it a signature by this key',
      ({ block, identity }) =>
        verifySignature({ didKey: identity.signingKey, bytes: block, signature }),
    ],
    ['undo the operations', ({ change }) => invertOps(change)],
  ]
  return steps.map(([name, step]) => {
    for (const part of parts) step(part)
    const start = process.cpuUsage()
    for (let repeat = 0; repeat < 3; repeat += 1) for (const part of parts) step(part)
    const us = cpuUs(start) / parts.length / 3
    report(`${name}: ${us.toFixed(1)} µs`)
    const ours = Number(us.toFixed(1))
    return { bench: `verify: ${name}`, goal: null, ours, reference: null, ratio: null, unit: 'µs' }
  })
}

function cpuUs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return user + system
}

function average(captured: readonly Captured[]): number {
  return Math.round(captured.reduce((sum, { frame }) => sum + frame.length, 0) / captured.length)
}
