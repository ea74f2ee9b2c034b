import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { between } from './random.ts'

const WAL_HEADER = 32
const FRAME_HEADER = 24
const DATABASE_HEADER = 100

/**
 * What the worst disk holds of `database` after a power cut, written to `to`: the WAL as it was at
 * the last completed sync, then a part of what came later, some of it garbled; and in the database
 * file, garbage wherever the WAL has the page, because a checkpoint may have been writing there.
 */
export function buildPowerLossImage(options: {
  database: string
  imageDir: string
  to: string
  random: () => number
}): string {
  const { database, imageDir, to, random } = options
  const name = createHash('sha256').update(database).digest('hex').slice(0, 16)
  // A cut between the two renames leaves the older copy, which is as good: its sync had completed.
  const copy = [name, `${name}-old`].map((one) => path.join(imageDir, one)).find(existsSync)
  if (copy === undefined) throw new Error(`${database} was never synced`)
  mkdirSync(to, { recursive: true })
  const file = path.basename(database)
  const synced = readFileSync(path.join(copy, `${file}-wal`))
  writeFileSync(path.join(to, `${file}-wal`), withTornTail(synced, `${database}-wal`, random))
  writeFileSync(path.join(to, file), torn(readFileSync(path.join(copy, file)), synced, random))
  return path.join(to, file)
}

/** The files as a process that was killed leaves them: whatever was written is there. */
export function copyCrashImage(database: string, to: string): string {
  mkdirSync(to, { recursive: true })
  for (const file of [database, `${database}-wal`]) {
    if (existsSync(file)) cpSync(file, path.join(to, path.basename(file)))
  }
  return path.join(to, path.basename(database))
}

function withTornTail(synced: Buffer, current: string, random: () => number): Buffer {
  if (!existsSync(current)) return synced
  const now = readFileSync(current)
  const end = endOfFrames(synced)
  // Another header: the WAL was started anew, which SQLite syncs by itself before it writes on.
  if (!now.subarray(0, WAL_HEADER).equals(synced.subarray(0, WAL_HEADER))) return synced
  const tail = Buffer.from(now.subarray(end, between(random, end, now.length)))
  for (let flips = between(random, 0, 3); flips > 0 && tail.length > 0; flips--) {
    tail.writeUInt8(between(random, 0, 255), between(random, 0, tail.length - 1))
  }
  return Buffer.concat([synced.subarray(0, end), tail])
}

function torn(database: Buffer, wal: Buffer, random: () => number): Buffer {
  const pageSize = wal.length < WAL_HEADER ? 0 : wal.readUInt32BE(8)
  const result = Buffer.from(database)
  for (const page of pagesIn(wal)) {
    if (random() < 0.5) continue
    const start = (page - 1) * pageSize + (page === 1 ? DATABASE_HEADER : 0)
    if (start < result.length) result.fill(0xa5, start, Math.min(page * pageSize, result.length))
  }
  return result
}

/** Frames of the WAL's current generation: the ones that carry its salts. */
function frames(wal: Buffer): { page: number; commits: boolean; end: number }[] {
  if (wal.length < WAL_HEADER) return []
  const size = FRAME_HEADER + wal.readUInt32BE(8)
  const salts = wal.subarray(16, 24)
  const found = []
  for (let at = WAL_HEADER; at + size <= wal.length; at += size) {
    if (!wal.subarray(at + 8, at + 16).equals(salts)) break
    const commits = wal.readUInt32BE(at + 4) !== 0
    found.push({ page: wal.readUInt32BE(at), commits, end: at + size })
  }
  return found
}

function endOfFrames(wal: Buffer): number {
  return frames(wal).at(-1)?.end ?? Math.min(WAL_HEADER, wal.length)
}

function pagesIn(wal: Buffer): Set<number> {
  const all = frames(wal)
  const last = all.findLastIndex((frame) => frame.commits)
  return new Set(all.slice(0, last + 1).map((frame) => frame.page))
}
