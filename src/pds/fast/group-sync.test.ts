import { mkdtempSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { GroupSync } from './group-sync.ts'

function someFile(): string {
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'group-sync-')), 'file-wal')
  writeFileSync(file, 'x')
  return file
}

test('who asks while a sync runs gets the next one, all together', async () => {
  const finish: (() => void)[] = []
  const sync = new GroupSync(someFile(), () => new Promise((resolve) => void finish.push(resolve)))
  const done: string[] = []
  const first = sync.sync().then(() => done.push('first'))
  const others = [sync.sync(), sync.sync()].map((one) => one.then(() => done.push('other')))
  finish[0]?.()
  await first
  expect(done).toEqual(['first'])
  expect(finish).toHaveLength(2)
  finish[1]?.()
  await Promise.all(others)
  expect(finish).toHaveLength(2)
  sync.close()
})

test('after a failed sync no later one is believed', async () => {
  let calls = 0
  const sync = new GroupSync(someFile(), async () => {
    if (++calls === 1) throw new Error('EIO')
  })
  const [first, second] = await Promise.allSettled([sync.sync(), sync.sync()])
  expect([first.status, second.status]).toEqual(['rejected', 'rejected'])
  await expect(sync.sync()).rejects.toThrow('EIO')
  expect(calls).toBe(1)
  sync.close()
})
