import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { tryLock, waitForLock } from './file-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'angelos-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('an exclusive lock keeps everybody else out until it is released', async () => {
  const file = join(folder, 'exclusive')
  const held = tryLock(file, 'exclusive')
  expect(tryLock(file, 'exclusive')).toBeUndefined()
  expect(tryLock(file, 'shared')).toBeUndefined()
  await expect(waitForLock(file, 'shared', 60)).rejects.toThrow(/locked by another process/)
  const waiting = waitForLock(file, 'exclusive', 5000)
  held?.release()
  ;(await waiting).release()
})

test('the exclusive lock is given to the last of those that share it', () => {
  const file = join(folder, 'shared')
  const [one, two] = [tryLock(file, 'shared'), tryLock(file, 'shared')]
  one?.release()
  expect(tryLock(file, 'exclusive')).toBeUndefined()
  two?.release()
  const alone = tryLock(file, 'exclusive')
  expect(alone).toBeDefined()
  alone?.release()
})

test('a killed process leaves no lock behind', async () => {
  const file = join(folder, 'killed')
  const module = JSON.stringify(join(import.meta.dirname, 'file-lock.ts'))
  const code = `import { tryLock } from ${module}
    globalThis.kept = tryLock(${JSON.stringify(file)}, 'exclusive')
    console.log('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code])
  await once(child.stdout, 'data')
  expect(tryLock(file, 'exclusive')).toBeUndefined()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = tryLock(file, 'exclusive')
  expect(lock).toBeDefined()
  lock?.release()
})
