import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silentLog } from '../../log.ts'
import { openImageCache } from './cache.ts'

const file = (fill: number, size = 100) => new Uint8Array(size).fill(fill)
const unwanted = () => Promise.reject(new Error('made again'))

test('a file is made once, also for those who ask meanwhile and after a restart', async () => {
  await using place = await tempFolder()
  const cache = await place.open()
  let made = 0
  const make = async () => file(++made)
  const [a, b] = await Promise.all([cache.get('a', make), cache.get('a', make)])
  expect([a, b, await cache.get('a', make)].map((bytes) => bytes[0])).toEqual([1, 1, 1])
  expect(made).toBe(1)
  const reopened = await place.open()
  expect(Buffer.from(await reopened.get('a', unwanted))).toEqual(Buffer.from(file(1)))
})

test('a failed job reaches everybody waiting for it and is tried again by the next', async () => {
  await using place = await tempFolder()
  const cache = await place.open()
  const failing = () => Promise.reject(new Error('broken'))
  const both = await Promise.allSettled([cache.get('a', failing), cache.get('a', failing)])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect((await cache.get('a', async () => file(1)))[0]).toBe(1)
})

test('when the room is used up the file used longest ago goes', async () => {
  await using place = await tempFolder()
  const cache = await place.open()
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    await cache.get(`file ${n}`, async () => file(n))
  }
  await cache.get('file 1', unwanted)
  await cache.get('file 11', async () => file(11))
  expect(await place.bytes()).toBeLessThanOrEqual(1_000)
  expect((await cache.get('file 1', unwanted))[0]).toBe(1)
  expect((await cache.get('file 11', unwanted))[0]).toBe(11)
  await expect(cache.get('file 2', unwanted)).rejects.toThrow('made again')
})

test('a file too large for the cache is given out and not kept', async () => {
  await using place = await tempFolder()
  const cache = await place.open()
  expect(await cache.get('big', async () => file(1, 500))).toHaveLength(500)
  expect(await readdir(place.folder)).toEqual([])
})

test('half-written files of a killed process are removed, an empty one is made again', async () => {
  await using place = await tempFolder()
  const cache = await place.open()
  await cache.get('a', async () => file(1))
  const [name] = await readdir(place.folder)
  await writeFile(join(place.folder, name!), '')
  await writeFile(join(place.folder, `${name}.1.part`), 'half')
  const reopened = await place.open()
  expect(await readdir(place.folder)).toEqual([name])
  expect((await reopened.get('a', async () => file(2)))[0]).toBe(2)
})

test('a disk that takes nothing does not stop anybody', async () => {
  await using place = await tempFolder()
  const cache = await place.open()
  await rm(place.folder, { recursive: true })
  expect((await cache.get('a', async () => file(1)))[0]).toBe(1)
})

async function tempFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'angelos-images-'))
  let now = Date.parse('2026-11-23T10:00:00Z')
  const clock = { now: () => new Date((now += 1_000)) }
  return {
    folder,
    open: () => openImageCache({ folder, maxBytes: 1_000, clock, log: silentLog }),
    async bytes() {
      const names = await readdir(folder)
      const stats = await Promise.all(names.map((name) => stat(join(folder, name))))
      return stats.reduce((sum, { size }) => sum + size, 0)
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
