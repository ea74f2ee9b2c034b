import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { mayEnter } from '../../src/database/account.ts'
import { binariesIn, findBinaries } from '../../src/database/binaries.ts'
import { startEmbedded } from '../../src/database/embedded.ts'
import { removeEmbedded } from '../../src/database/placement.ts'
import { silentLog as log } from '../../src/log.ts'
import { ask, hold } from './hold.ts'
import { tempFolder } from './temp-folder.ts'

const isRoot = process.getuid?.() === 0
const nobody = { uid: 65534, gid: 65534 }
const cleanUps: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanUps.splice(0).toReversed()) await clean()
})

function newFolder(mode?: number): string {
  const folder = tempFolder(mode)
  cleanUps.push(() => folder.remove())
  return folder.path
}

/** A data folder in which a database was made and left in order. */
async function usedFolder(): Promise<string> {
  const dataDir = newFolder()
  const server = await startEmbedded({ dataDir, log })
  await ask(server.url, 'create table kept (id int)')
  await server.stop()
  return dataDir
}

/** A node of root whose checkout and data folder nobody else can reach. */
async function closedNode() {
  const closed = newFolder(0o700)
  const dataDir = join(closed, 'data')
  const machineFolder = join(newFolder(), 'var')
  const { root, version } = findBinaries()
  cpSync(root, join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
  const binaries = binariesIn(join(closed, 'native'), version)
  cleanUps.push(() => removeEmbedded(dataDir))
  const start = async () => {
    const server = await startEmbedded({ dataDir, log, binaries, machineFolder })
    cleanUps.push(() => server.stop())
    return server
  }
  return { dataDir, machineFolder, start }
}

test('data whose password file is gone is refused with the way out', async () => {
  const dataDir = await usedFolder()
  rmSync(join(dataDir, 'postgres-password'))
  await expect(startEmbedded({ dataDir, log })).rejects.toThrow(/password .* is missing. Restore/)
  expect(existsSync(join(dataDir, 'postgres/pg18/PG_VERSION'))).toBe(true)
})

test('a password file whose data is gone is refused with the way out', async () => {
  const dataDir = await usedFolder()
  renameSync(join(dataDir, 'postgres/pg18'), join(dataDir, 'moved'))
  await expect(startEmbedded({ dataDir, log })).rejects.toThrow(/is not. Restore that folder/)
  expect(readdirSync(join(dataDir, 'postgres'))).toEqual([])
})

test('data of another version of Postgres is refused', async () => {
  const dataDir = newFolder()
  mkdirSync(join(dataDir, 'postgres/pg17'), { recursive: true })
  await expect(startEmbedded({ dataDir, log })).rejects.toThrow(/pg17 holds a database/)

  const changed = await usedFolder()
  writeFileSync(join(changed, 'postgres/pg18/PG_VERSION'), '19\n')
  await expect(startEmbedded({ dataDir: changed, log })).rejects.toThrow(/holds Postgres 19/)
})

test('a database that was only half made is made again', async () => {
  const dataDir = newFolder()
  const draft = join(dataDir, 'postgres/pg18.0123456789ab')
  mkdirSync(draft, { recursive: true })
  writeFileSync(join(draft, 'PG_VERSION'), '18\n')
  writeFileSync(`${draft}.password`, 'of the start that broke off')
  writeFileSync(join(dataDir, 'postgres-password.new'), 'of the start that broke off')
  const server = await startEmbedded({ dataDir, log })
  cleanUps.push(() => server.stop())
  expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(readdirSync(join(dataDir, 'postgres'))).toEqual(['pg18'])
})

test('a crash between naming the data and naming its password loses neither', async () => {
  const dataDir = await usedFolder()
  renameSync(join(dataDir, 'postgres-password'), join(dataDir, 'postgres-password.new'))
  const server = await startEmbedded({ dataDir, log })
  cleanUps.push(() => server.stop())
  expect(await ask(server.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }])
})

test('the password is readable by its owner only', async () => {
  const dataDir = await usedFolder()
  expect(statSync(join(dataDir, 'postgres-password')).mode & 0o777).toBe(0o600)
})

test.runIf(isRoot)('root runs it in place as an unprivileged user', async () => {
  const dataDir = await usedFolder()
  expect(statSync(join(dataDir, 'postgres/pg18')).uid).not.toBe(0)
  expect(existsSync(join(dataDir, 'postgres-place.json'))).toBe(false)
})

test.runIf(isRoot)('below a closed folder root keeps data and programs elsewhere', async () => {
  const node = await closedNode()
  const server = await node.start()
  const [place] = await ask(server.url, "select current_setting('data_directory') as data")
  expect(String(place?.data).startsWith(node.machineFolder)).toBe(true)
  await ask(server.url, 'create table kept (id int)')
  await server.stop()
  const again = await node.start()
  expect(await ask(again.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }])
  await again.stop()
  removeEmbedded(node.dataDir)
  // The programs stay for other nodes, once.
  expect(readdirSync(node.machineFolder)).toEqual([expect.stringMatching(/^native-18\./)])
})

test.runIf(isRoot)(
  'two nodes below closed folders that start at once share the programs',
  async () => {
    const node = await closedNode()
    const { root, version } = findBinaries()
    const closed = newFolder(0o700)
    cpSync(root, join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
    const binaries = binariesIn(join(closed, 'native'), version)
    const dataDir = join(closed, 'data')
    cleanUps.push(() => removeEmbedded(dataDir))
    const { machineFolder } = node
    const [one, two] = await Promise.all([
      node.start(),
      startEmbedded({ dataDir, log, binaries, machineFolder }),
    ])
    cleanUps.push(() => two.stop())
    expect(one.url).not.toBe(two.url)
    const names = readdirSync(machineFolder).map((name) => name.replace(/-.*|[0-9a-f]{32}/, ''))
    expect(names.toSorted()).toEqual(['', '', 'native'])
  },
)

test.runIf(isRoot)('a recorded place that is missing is refused, never replaced', async () => {
  const node = await closedNode()
  const server = await node.start()
  await server.stop()
  const record = join(node.dataDir, 'postgres-place.json')
  const { home } = JSON.parse(readFileSync(record, 'utf8')) as { home: string }
  renameSync(home, `${home}.away`)
  await expect(node.start()).rejects.toThrow(/which is missing. Restore that folder/)
  expect(existsSync(home)).toBe(false)
  renameSync(`${home}.away`, home)
  await node.start()
})

test('a record that names no place of ours is refused, and nothing is deleted', async () => {
  const dataDir = newFolder()
  const other = newFolder()
  writeFileSync(join(dataDir, 'postgres-place.json'), JSON.stringify({ home: other }))
  await expect(startEmbedded({ dataDir, log })).rejects.toThrow(/restore it from a backup/)
  expect(() => removeEmbedded(dataDir)).toThrow(/does not name a place/)
  expect(existsSync(other)).toBe(true)
})

const nobodyMayRead = isRoot && mayEnter(nobody, import.meta.dirname)

test.runIf(nobodyMayRead)('an ordinary user runs it in place', async () => {
  const dataDir = newFolder(0o700)
  chownSync(dataDir, nobody.uid, nobody.gid)
  const node = await hold(dataDir, nobody)
  await ask(node.url, 'create table kept (id int)')
  expect(statSync(join(dataDir, 'postgres/pg18')).uid).toBe(nobody.uid)
  await node.stop()
  // Root, who comes later, leaves the data to its owner.
  const server = await startEmbedded({ dataDir, log })
  cleanUps.push(() => server.stop())
  expect(await ask(server.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }])
})

test.runIf(nobodyMayRead)('data of somebody else is refused to an ordinary user', async () => {
  const dataDir = await usedFolder()
  for (const name of readdirSync(dataDir)) {
    if (name !== 'postgres') chownSync(join(dataDir, name), nobody.uid, nobody.gid)
  }
  chownSync(dataDir, nobody.uid, nobody.gid)
  await expect(hold(dataDir, nobody)).rejects.toThrow(/belongs to user \d+: start the node as/)
})

test.runIf(isRoot)(
  'data that its user can no longer reach is refused with the way out',
  async () => {
    const dataDir = await usedFolder()
    chmodSync(dataDir, 0o700)
    await expect(startEmbedded({ dataDir, log })).rejects.toThrow(/chmod o\+x/)
  },
)
