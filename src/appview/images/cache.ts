import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'

/** Files that can be made again, kept while there is room. */
export type ImageCache = {
  /** The file kept under this key, or what `make` gives, which is kept then. Callers who ask for
   *  the same key meanwhile get the same answer, its error included. */
  get(key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array>
}

type Options = {
  readonly folder: string
  readonly maxBytes: number
  readonly clock: Clock
  readonly log: Log
}

const PART = '.part'
const NAME = /^[0-9a-f]{64}$/

/** Opens a cache of at most `maxBytes` in a folder of its own; beyond that, the files used longest
 *  ago go first. What a killed process left half-written is removed. */
export async function openImageCache(options: Options): Promise<ImageCache> {
  const { folder, maxBytes, clock, log } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = await readdir(folder)
  await Promise.all(
    names.filter((name) => name.endsWith(PART)).map((name) => rm(join(folder, name))),
  )
  let total = sum(await filesIn(folder))
  const underWay = new Map<string, Promise<Uint8Array>>()

  const keep = async (path: string, bytes: Uint8Array): Promise<void> => {
    // One file must not push out all others.
    if (bytes.length > maxBytes / 4) return
    const part = `${path}.${randomUUID()}${PART}`
    try {
      await writeFile(part, bytes, { mode: 0o600 })
      await touch(part, clock.now())
      await rename(part, path)
      total += bytes.length
      if (total > maxBytes) total = await shrink(folder, maxBytes)
    } catch (error) {
      log.warn({ err: error }, 'an image was not kept')
      await rm(part, { force: true })
    }
  }

  const find = async (key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const path = join(folder, createHash('sha256').update(key).digest('hex'))
    const kept = await readFile(path).catch(() => undefined)
    // A power cut may leave an empty file under the name of a whole one.
    if (kept && kept.length > 0) {
      await touch(path, clock.now()).catch(() => undefined)
      return kept
    }
    const made = await make()
    await keep(path, made)
    return made
  }

  return {
    get(key, make) {
      const running = underWay.get(key)
      if (running) return running
      const found = find(key, make).finally(() => underWay.delete(key))
      underWay.set(key, found)
      return found
    },
  }
}

type Kept = { readonly path: string; readonly bytes: number; readonly usedMs: number }

/** Removes the files used longest ago until a tenth of the room is free; says how much is left. */
async function shrink(folder: string, maxBytes: number): Promise<number> {
  const files = await filesIn(folder)
  let total = sum(files)
  for (const { path, bytes } of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (total <= maxBytes * 0.9) break
    await rm(path, { force: true })
    total -= bytes
  }
  return total
}

async function filesIn(folder: string): Promise<Kept[]> {
  const files: Kept[] = []
  for (const name of await readdir(folder)) {
    if (!NAME.test(name)) continue
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found) files.push({ path, bytes: found.size, usedMs: found.mtimeMs })
  }
  return files
}

function sum(files: readonly Kept[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0)
}

function touch(path: string, at: Date): Promise<void> {
  return utimes(path, at, at)
}
