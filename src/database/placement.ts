import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type Account, mayEnter, unprivilegedAccount } from './account.ts'
import { type Binaries } from './binaries.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { CLUSTER, embeddedFiles } from './embedded-files.ts'
import { reachableBinaries } from './reachable-binaries.ts'
import { findPostmaster } from './running-postmaster.ts'

/** Who runs Postgres (`account`, absent: we ourselves), where its data lies, and which programs. */
export type Place = { home: string; data: string; binaries: Binaries; account?: Account }

/** Where data and programs go that root's dropped user could not reach otherwise. */
export const MACHINE_FOLDER = '/var/lib/angelos'

/**
 * Decides, once for the life of a data folder, who runs Postgres and where. Data stays where it
 * is and runs as its owner; a recorded place that is gone is an error, never a new database.
 */
export async function choosePlace(options: {
  dataDir: string
  binaries: Binaries
  machineFolder?: string
}): Promise<Place> {
  const machineFolder = options.machineFolder ?? MACHINE_FOLDER
  const files = embeddedFiles(options.dataDir)
  const recorded = recordedHome(files.placeRecord)
  if (recorded && !existsSync(recorded)) throw missingPlace(recorded, files)
  const account = chooseAccount(recorded ?? files.inPlace)
  const found = recorded ?? (existsSync(files.inPlace) ? files.inPlace : undefined)
  const home = found ?? makeHome(options.dataDir, machineFolder, account)
  if (account && !mayEnter(account, dirname(home))) {
    throw new Error(
      `${home} holds this node's database, but user ${account.uid} that must run it cannot get ` +
        `there: open the folders above it with "chmod o+x", or start the node as that user.`,
    )
  }
  if (!existsSync(join(home, CLUSTER))) own(home, account)
  const binaries = await reachableBinaries(options.binaries, machineFolder, account)
  const real = realpathSync(home)
  return { home: real, data: join(real, CLUSTER), binaries, ...(account && { account }) }
}

/**
 * Deletes the embedded database of `dataDir` for good, wherever it was placed, and leaves shared
 * programs alone. Throws when its server still runs.
 */
export function removeEmbedded(dataDir: string): void {
  const files = embeddedFiles(dataDir)
  const recorded = recordedHome(files.placeRecord)
  for (const home of [recorded, files.inPlace]) {
    if (!home || !existsSync(home)) continue
    const running = findPostmaster(join(realpathSync(home), CLUSTER))
    if (running) throw new Error(`Postgres (pid ${running.pid}) still runs in ${home}: stop it.`)
    rmSync(home, { recursive: true, force: true })
  }
  for (const file of Object.values(files)) rmSync(file, { recursive: true, force: true })
}

/** Existing data belongs to a user and Postgres runs only as that one. */
function chooseAccount(home: string): Account | undefined {
  const self = process.getuid?.() ?? -1
  const data = join(home, CLUSTER)
  // The folder is looked at first: who may not enter it does not see the data either.
  for (const path of [home, data].filter((each) => existsSync(each))) {
    const { uid } = statSync(path)
    if (self === 0 || uid === self) continue
    throw new Error(`${path} belongs to user ${uid}: start the node as that user or as root.`)
  }
  if (self !== 0) return undefined
  if (!existsSync(data)) return unprivilegedAccount()
  const { uid, gid } = statSync(data)
  if (uid !== 0) return { uid, gid }
  throw new Error(`${data} belongs to root, as whom Postgres does not run: chown -R it back.`)
}

function makeHome(dataDir: string, machineFolder: string, account?: Account): string {
  const files = embeddedFiles(dataDir)
  if (!account || mayEnter(account, dataDir)) {
    mkdirSync(files.inPlace, { mode: 0o700 })
    return files.inPlace
  }
  const home = join(machineFolder, randomBytes(16).toString('hex'))
  mkdirSync(home, { recursive: true, mode: 0o700 })
  chmodSync(machineFolder, 0o755)
  writeDurably(files.placeRecord, `${JSON.stringify({ home })}\n`)
  return home
}

function own(home: string, account?: Account): void {
  chmodSync(home, 0o700)
  if (account) chownSync(home, account.uid, account.gid)
}

/** The recorded home. Its name is checked because `removeEmbedded` deletes what it names. */
function recordedHome(record: string): string | undefined {
  const text = readIfThere(record)
  if (text === undefined) return undefined
  const { home } = parseRecord(text)
  if (typeof home === 'string' && home === resolve(home) && /^[0-9a-f]{32}$/.test(basename(home))) {
    return home
  }
  throw new Error(`${record} does not name a place this program made: restore it from a backup.`)
}

function parseRecord(text: string): { home?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function missingPlace(home: string, files: { placeRecord: string; password: string }): Error {
  return new Error(
    `This node's database lies in ${home}, which is missing. Restore that folder, or, to start ` +
      `with an empty database, delete ${files.placeRecord} and ${files.password}.`,
  )
}
