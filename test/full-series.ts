import { fullKill } from './end-to-end/kill.ts'
import { fullPowerLoss } from './fast/power-loss.ts'
import { fullSoak } from './fast/soak.ts'

type Options = { seed: number; from: number; report: (line: string) => void }

const POWER_LOSS_ROUNDS = 20
const SOAK_MINUTES = 30

/** The long series by name, of which a plain test run only samples. A step that failed is repeated
 *  with the same seed and `from`; the soak has no steps and takes `from` as minutes done. */
export const fullSeries: Readonly<Record<string, (options: Options) => Promise<void>>> = {
  kill: fullKill,
  'power-loss': ({ seed, from, report }) =>
    fullPowerLoss({ seed, rounds: POWER_LOSS_ROUNDS, resumeFrom: from, report }),
  soak: ({ seed, from, report }) =>
    fullSoak({ seed, minutes: Math.max(1, SOAK_MINUTES - from), report }),
}
