import { benchBooking } from './booking.ts'
import { benchIngest } from './ingest.ts'
import { benchOrders } from './orders.ts'
import { benchPermissioned } from './permissioned.ts'
import { serverProcess } from './write-server.ts'
import { benchRead } from './read.ts'
import { benchRebuild } from './rebuild.ts'
import type { BenchResult } from './result.ts'
import { benchTokens, tokensPart } from './tokens.ts'
import { benchVisible } from './visible.ts'
import { benchWrite } from './write.ts'

/** Every bench by its name on the command line. */
export const benches: Readonly<
  Record<string, (report: (line: string) => void, size?: number) => Promise<BenchResult>>
> = {
  booking: benchBooking,
  ingest: benchIngest,
  orders: benchOrders,
  permissioned: benchPermissioned,
  read: benchRead,
  rebuild: benchRebuild,
  tokens: benchTokens,
  'tokens-core': tokensPart('core'),
  'tokens-network': tokensPart('network'),
  'tokens-steps': tokensPart('steps'),
  'tokens-stored': tokensPart('stored'),
  visible: benchVisible,
  write: (report) => benchWrite({ report }),
  'write-pds': (report) => benchWrite({ report, start: serverProcess('fast') }),
}
