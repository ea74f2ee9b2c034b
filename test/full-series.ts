import { fullBusinessKills } from './business-kills/kills.ts'
import { fullKill } from './end-to-end/kill.ts'
import { fullOrders, fullOrdersOnPostgres } from './commerce/series.ts'
import { fullRebuildKills } from './end-to-end/rebuild-kills.ts'
import { fullPowerLoss } from './fast/power-loss.ts'
import { fullSoak } from './fast/soak.ts'
import { fullGarbage } from './firehose/garbage.ts'
import { fullIngestKills } from './ingest/kills.ts'
import { fullMemory } from './ingest/memory.ts'
import { fullSpaceKills } from './space-kills/kills.ts'
import { fullMutants, fullSimulator } from './simulator/series.ts'
import { fullTokenKills } from './token-kills/kills.ts'
import { fullTokenMutants, fullTokenSimulator } from './token-simulator/series.ts'
import { fullTokenModel } from './token-model/series.ts'

type Options = {
  seed: number
  from: number
  /** how many seeds, 0 for as many as the series has */
  seeds: number
  /** how many events, 0 for as many as the series has */
  events: number
  report: (line: string) => void
}

const POWER_LOSS_ROUNDS = 20
const SOAK_MINUTES = 30

/** The long series by name, of which a plain test run only samples. A step that failed is repeated
 *  with the same seed and `from`; the soak has no steps and takes `from` as minutes done. */
export const fullSeries: Readonly<Record<string, (options: Options) => Promise<void>>> = {
  'business-kills': fullBusinessKills,
  garbage: fullGarbage,
  'ingest-kills': fullIngestKills,
  kill: fullKill,
  memory: fullMemory,
  mutants: fullMutants,
  orders: fullOrders,
  'orders-postgres': fullOrdersOnPostgres,
  'power-loss': ({ seed, from, report }) =>
    fullPowerLoss({ seed, rounds: POWER_LOSS_ROUNDS, resumeFrom: from, report }),
  'rebuild-kills': fullRebuildKills,
  simulator: fullSimulator,
  soak: ({ seed, from, report }) =>
    fullSoak({ seed, minutes: Math.max(1, SOAK_MINUTES - from), report }),
  'space-kills': fullSpaceKills,
  'token-kills': fullTokenKills,
  'token-model': fullTokenModel,
  'token-mutants': fullTokenMutants,
  'token-simulator': fullTokenSimulator,
}
