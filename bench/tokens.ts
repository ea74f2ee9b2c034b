import type { BenchResult, Figure } from './result.ts'
import { networkFigures } from './token-network.ts'
import { coreFigures } from './token-rates.ts'
import { stepFigures } from './token-steps.ts'
import { storeFigures } from './token-store-steps.ts'
import { storedFigures } from './token-stored.ts'

/** Transfers of a part that is measured whole. */
const WHOLE = 2_000

type Part = (report: (line: string) => void, size?: number) => Promise<Figure[]>

const share = (size = WHOLE) => size / WHOLE

/** The parts, each of which can be run alone. */
const parts = {
  core: coreFigures,
  stored: (report, size) => storedFigures(report, share(size)),
  steps: async (report) => [...(await stepFigures(report)), ...(await storeFigures(report))],
  network: (report, size) => networkFigures(report, share(size)),
} satisfies Record<string, Part>

/** One part, by its name. */
export const tokensPart =
  (name: keyof typeof parts) =>
  async (report: (line: string) => void, size?: number): Promise<BenchResult> =>
    resultOf(await parts[name](report, size))

/** All of them, one after the other. */
export async function benchTokens(
  report: (line: string) => void,
  size?: number,
): Promise<BenchResult> {
  const figures: Figure[] = []
  for (const measure of Object.values<Part>(parts)) figures.push(...(await measure(report, size)))
  return resultOf(figures)
}

function resultOf([first, ...more]: readonly Figure[]): BenchResult {
  return { ...first!, more }
}
