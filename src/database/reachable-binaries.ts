import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account } from './account.ts'
import { type Binaries, binariesIn } from './binaries.ts'
import { hasCode } from './durable-file.ts'

/**
 * Binaries that `account` can run: those of the checkout, or, when a folder above them is closed
 * to it, one copy per version below `machineFolder` that all nodes of this machine share.
 */
export async function reachableBinaries(
  binaries: Binaries,
  machineFolder: string,
  account?: Account,
): Promise<Binaries> {
  const inCheckout = tryToRun(binaries, account)
  if (inCheckout.runs) return binaries
  if (!account || !inCheckout.denied) throw cannotRun(binaries, inCheckout.why)
  const copy = await copyBinaries(binaries, machineFolder)
  const outside = tryToRun(copy, account)
  if (!outside.runs) throw cannotRun(copy, outside.why)
  return copy
}

/** Runs `postgres --version`: the only test that also sees missing libraries and mount options. */
function tryToRun(binaries: Binaries, account?: Account) {
  const { error, status, stderr } = spawnSync(binaries.postgres, ['--version'], {
    ...account,
    cwd: '/',
    env: {},
    encoding: 'utf8',
    timeout: 30_000,
  })
  const why = error?.message ?? stderr.trim()
  return { runs: status === 0, denied: hasCode(error, 'EACCES'), why }
}

function cannotRun(binaries: Binaries, why: string): Error {
  return new Error(
    `${binaries.postgres} does not run here (${why}). It needs glibc, and as root the right to ` +
      'change to another user; otherwise set DATABASE_URL to a Postgres of your own.',
  )
}

/** Copies under a name of its own and renames, so that two processes at once do no harm. */
async function copyBinaries(binaries: Binaries, machineFolder: string): Promise<Binaries> {
  const hash = createHash('sha256').update(await readFile(binaries.postgres))
  const name = `native-${binaries.version}-${hash.digest('hex').slice(0, 12)}`
  const root = join(machineFolder, name)
  if (existsSync(root)) return binariesIn(root, binaries.version)
  const draft = join(machineFolder, `${randomBytes(8).toString('hex')}.draft`)
  try {
    await mkdir(machineFolder, { recursive: true })
    await chmod(machineFolder, 0o755)
    await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true })
    await openToAll(draft)
    await rename(draft, root)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
  }
  return binariesIn(root, binaries.version)
}

/** A narrow umask would otherwise close the copy to the very user it was made for. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, 0o755)
  }
}
