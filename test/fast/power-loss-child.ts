import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { flushToDisk } from '../../src/pds/fast/group-sync.ts'
import { defaultSwitches } from '../../src/pds/fast/switches.ts'
import { startPds } from './pds.ts'

// A fast PDS that keeps, for each database, a copy as it was when the last completed sync began:
// what a disk that loses everything else still holds.
const [dir, imageDir, plcUrl] = process.argv.slice(2)
if (dir === undefined || imageDir === undefined || plcUrl === undefined) throw new Error('usage')
let copies = 0

const server = await startPds({
  plcUrl,
  dir,
  switches: { ...defaultSwitches, openRepos: 1 },
  flush: async (fd, wal) => {
    const database = wal.slice(0, -'-wal'.length)
    const name = createHash('sha256').update(database).digest('hex').slice(0, 16)
    const taken = path.join(imageDir, `taking-${copies++}`)
    mkdirSync(taken, { recursive: true })
    // The database first: while this thread waits, only a checkpoint from this WAL writes to it.
    // By a process of its own: closing the database here would drop SQLite's locks on it.
    execFileSync('cp', [database, wal, taken])
    await flushToDisk(fd, wal)
    rmSync(path.join(imageDir, `${name}-old`), { recursive: true, force: true })
    try {
      renameSync(path.join(imageDir, name), path.join(imageDir, `${name}-old`))
    } catch {
      // There is none yet.
    }
    renameSync(taken, path.join(imageDir, name))
  },
})
process.send?.({ origin: server.origin })
process.on('disconnect', () => process.exit())
