import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { openDatabase } from '../database/database.ts'
import { createLog } from '../log.ts'
import { startPlc } from '../pds/plc.ts'
import type { Command } from './command.ts'
import { stopSignal } from './stop-signal.ts'

/** Runs a PLC directory by itself, for several development nodes to share. */
export const plc: Command = {
  usage: `./angelos plc

  Listens on ANGELOS_PLC_PORT (default 2582) and keeps its data in ANGELOS_DATA_DIR. Start nodes
  with ANGELOS_PLC_URL=http://localhost:2582 to share it. Production nodes use the public one.`,
  async run(args) {
    parseArgs({ args: [...args], options: {}, strict: true })
    const config = readConfig()
    const log = createLog({ level: config.ANGELOS_LOG_LEVEL })
    const stopped = stopSignal()
    await using parts = new AsyncDisposableStack()
    const database = parts.use(
      await openDatabase({ dataDir: config.ANGELOS_DATA_DIR, url: config.DATABASE_URL, log }),
    )
    const directory = await startPlc({
      databaseUrl: database.url,
      port: config.ANGELOS_PLC_PORT,
      log,
    })
    parts.defer(() => directory.close())
    process.stdout.write(`PLC directory ${directory.url}\n`)
    await stopped
    return 0
  },
}
