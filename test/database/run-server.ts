import { embeddedFiles, hasEmbedded } from '../../src/database/embedded-files.ts'
import { type EmbeddedPostgres, startEmbedded } from '../../src/database/embedded.ts'
import { tryLock } from '../../src/database/file-lock.ts'
import { removeEmbedded } from '../../src/database/placement.ts'
import { silentLog } from '../../src/log.ts'
import { tempFolder } from './temp-folder.ts'

/** Where the processes of a run find the folder of its server. */
const FOLDER = 'TEST_POSTGRES_FOLDER'

/** Nothing outlives the run, so nothing waits for a disk; the nodes of several files connect. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '300' }

/** The server that the test files of this run share, started by whichever needs it first;
 *  undefined outside a run, as in a full series. */
export async function runServer(): Promise<EmbeddedPostgres | undefined> {
  const dataDir = process.env[FOLDER]
  return dataDir ? startEmbedded({ dataDir, log: silentLog, settings: SETTINGS }) : undefined
}

/** Vitest calls it before a run. It answers what ends the run: the server is removed if it was
 *  ever started. Until then it has a user, so that no file is the last one to leave it. */
export function setup(): () => Promise<void> {
  const folder = tempFolder()
  const user = tryLock(embeddedFiles(folder.path).usersLock, 'shared')
  process.env[FOLDER] = folder.path
  return async () => {
    user?.release()
    if (hasEmbedded(folder.path)) {
      await (await runServer())?.stop()
      removeEmbedded(folder.path)
    }
    folder.remove()
  }
}
