import { benchVerify } from './ingest-verify.ts'
import { viewFigures } from './ingest-views.ts'
import type { BenchResult } from './result.ts'

/** Taking in what hosts send: commits verified against the reference, and beside it records per
 *  second from frames to views. `records` is how many of these are sent. */
export async function benchIngest(
  report: (line: string) => void,
  records?: number,
): Promise<BenchResult> {
  const verified = await benchVerify(report)
  const views = await viewFigures(report, records)
  return { ...verified, more: [...verified.more, ...views] }
}
