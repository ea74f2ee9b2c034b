import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { readIfThere, renameDurably, writeDurably } from './durable-file.ts'
import { CLUSTER, type EmbeddedFiles } from './embedded-files.ts'
import { type Place } from './placement.ts'

/** What Postgres and initdb see of our environment: none of its secrets. */
export const POSTGRES_ENV = { LC_ALL: 'C', TZ: 'UTC' }

/**
 * Opens the cluster of a place, or makes it when neither data nor password was ever there, and
 * answers its password. Half of the pair, or data of another version, is an error that says what
 * to do: no empty database ever appears beside existing data. The caller holds the start lock.
 */
export async function prepareCluster(
  place: Place,
  files: EmbeddedFiles,
): Promise<{ password: string; created: boolean }> {
  const hasData = checkData(place, files)
  const password = readIfThere(files.password)
  if (hasData && password) return { password, created: false }
  if (password) {
    throw new Error(
      `${files.password} is there but the data in ${place.data} is not. Restore that folder, ` +
        `or, to start with an empty database, delete ${files.password}.`,
    )
  }
  // The password is on disk before the data gets its name, so a crash in between loses neither.
  const prepared = hasData ? readIfThere(files.newPassword) : await initialise(place, files)
  if (!prepared) {
    throw new Error(
      `${place.data} holds a database but its password ${files.password} is missing. Restore ` +
        `that file, or, to start with an empty database, move ${place.data} away.`,
    )
  }
  renameDurably(files.newPassword, files.password)
  return { password: prepared, created: !hasData }
}

/** Whether the place holds a cluster we can open; throws when it holds something else. */
function checkData(place: Place, files: EmbeddedFiles): boolean {
  const version = readIfThere(join(place.data, 'PG_VERSION'))
  if (version === CLUSTER.slice(2)) return true
  if (existsSync(place.data) && readdirSync(place.data).length > 0) {
    const found = version ? `holds Postgres ${version}` : 'has lost its PG_VERSION'
    throw new Error(`${place.data} ${found}: restore it from a backup or move it away.`)
  }
  for (const home of new Set([place.home, files.inPlace])) {
    const other = existsSync(home) && readdirSync(home).find((name) => /^pg\d+$/.test(name))
    if (other && join(home, other) !== place.data) {
      throw new Error(
        `${join(home, other)} holds a database that this version does not open: carry it over ` +
          'with a backup and restore, or move it away.',
      )
    }
  }
  return false
}

/** Makes the cluster under another name first: what is half done is never taken for data. */
async function initialise(place: Place, files: EmbeddedFiles): Promise<string> {
  for (const name of readdirSync(place.home)) {
    if (name.startsWith(`${CLUSTER}.`)) rmSync(join(place.home, name), { recursive: true })
  }
  const password = randomBytes(24).toString('base64url')
  writeDurably(files.newPassword, password)
  const draft = `${place.data}.${randomBytes(6).toString('hex')}`
  const passwordFile = `${draft}.password`
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (place.account) chownSync(passwordFile, place.account.uid, place.account.gid)
  try {
    await promisify(execFile)(place.binaries.initdb, initArguments(draft, passwordFile), {
      ...place.account,
      cwd: dirname(draft),
      env: POSTGRES_ENV,
    })
    rmSync(passwordFile)
    renameDurably(draft, place.data)
  } catch (error) {
    for (const left of [draft, passwordFile]) rmSync(left, { recursive: true, force: true })
    throw new Error(`The embedded database could not be made in ${place.home}.`, { cause: error })
  }
  return password
}

/** The built-in locale sorts the same on every machine, whatever its C library. */
function initArguments(data: string, passwordFile: string): string[] {
  const locale = ['--no-locale', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const access = ['-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  return ['-D', data, '-E', 'UTF8', '--data-checksums', ...locale, ...access]
}
