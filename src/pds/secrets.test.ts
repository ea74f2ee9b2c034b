import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { inspect, promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadKeys } from './secrets.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'angelos-keys-'))
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

const mode = async (place: string) =>
  ((await stat(path.join(folder, place))).mode & 0o777).toString(8)
const names = [
  'admin-password',
  'dpop-secret',
  'jwt-secret',
  'link-secret',
  'plc-rotation-key',
  'service-key',
  'validator-key',
]

test('keys are made once, each different, and loaded again the same', async () => {
  const first = await loadKeys(folder)
  const again = await loadKeys(folder)
  expect(again.serviceKey.did()).toBe(first.serviceKey.did())
  expect(again.validatorKey.did()).toBe(first.validatorKey.did())
  const texts = [first.jwtSecret, first.adminPassword, first.plcRotationKeyHex, first.dpopSecret]
  expect(new Set(texts).size).toBe(4)
  for (const text of texts) expect(text).toMatch(/^[0-9a-f]{64}$/)
  expect([again.jwtSecret, again.adminPassword, again.plcRotationKeyHex, again.dpopSecret]).toEqual(
    texts,
  )
  expect(first.serviceKey.did()).toMatch(/^did:key:zQ3s/)
  expect(first.validatorKey.did()).toMatch(/^did:key:zDn/)
})

test('nobody but the owner can read the keys, and nothing else lies beside them', async () => {
  await loadKeys(folder)
  expect(await mode('keys')).toBe('700')
  expect((await readdir(path.join(folder, 'keys'))).toSorted()).toEqual(names)
  for (const name of names) expect(await mode(`keys/${name}`)).toBe('600')
})

test('keys that others can reach are refused with the command that repairs it', async () => {
  await loadKeys(folder)
  const file = path.join(folder, 'keys', 'jwt-secret')
  await chmod(file, 0o640)
  await expect(loadKeys(folder)).rejects.toThrow(`chmod 600 '${file}'`)
  await chmod(file, 0o600)
  await chmod(path.join(folder, 'keys'), 0o755)
  await expect(loadKeys(folder)).rejects.toThrow(`chmod 700 '${path.join(folder, 'keys')}'`)
})

test('a damaged key or a link in its place is refused, not replaced', async () => {
  await loadKeys(folder)
  const file = path.join(folder, 'keys', 'service-key')
  await writeFile(file, '')
  await expect(loadKeys(folder)).rejects.toThrow('restore it from a backup')
  await rm(file)
  await symlink('/dev/null', file)
  await expect(loadKeys(folder)).rejects.toThrow('must be a regular file')
})

test('processes that start at the same time end with the same keys', async () => {
  const script = `import { loadKeys } from ${JSON.stringify(path.resolve('src/pds/secrets.ts'))}
    const keys = await loadKeys(${JSON.stringify(folder)})
    console.log(keys.jwtSecret, keys.plcRotationKeyHex, keys.validatorKey.did())`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const seen = await Promise.all([run(), run(), run()])
  expect(new Set(seen.map(({ stdout }) => stdout)).size).toBe(1)
  await rm(folder, { recursive: true })
  // One after another by a moment: some read what the first made while others still make theirs.
  const starts = Array.from({ length: 20 }, (_, index) => setTimeout(index / 2))
  const inProcess = await Promise.all(starts.map((start) => start.then(() => loadKeys(folder))))
  expect(new Set(inProcess.map(({ adminPassword }) => adminPassword)).size).toBe(1)
})

test('printing or serialising the keys shows none of them', async () => {
  const keys = await loadKeys(folder)
  expect(inspect({ keys })).not.toContain(keys.jwtSecret)
  expect(JSON.stringify({ keys })).toBe('{"keys":"[node keys]"}')
})
