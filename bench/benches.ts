import { serverProcess } from './write-server.ts'
import { benchRead } from './read.ts'
import { benchRebuild } from './rebuild.ts'
import type { BenchResult } from './result.ts'
import { benchWrite } from './write.ts'

/** Every bench by its name on the command line. */
export const benches: Readonly<
  Record<string, (report: (line: string) => void, size?: number) => Promise<BenchResult>>
> = {
  read: benchRead,
  rebuild: benchRebuild,
  write: (report) => benchWrite({ report }),
  'write-pds': (report) => benchWrite({ report, start: serverProcess('fast') }),
}
