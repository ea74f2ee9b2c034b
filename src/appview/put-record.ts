import type { Clock } from '../clock.ts'
import { checkRecord } from './check-record.ts'
import { moveRecord, otherPlaces } from './move-record.ts'
import type { RepoWriter } from './own-record.ts'
import type { Progress } from './progress.ts'
import type { Sql } from './sql.ts'

/** Writes a record of an account of this node where it is to stand, and takes it from wherever else
 *  it stood. Throws what `checkRecord` and the writer throw. Answers once the views have it. */
export async function putRecord(
  deps: { sql: Sql; writer: RepoWriter; progress: Progress; clock: Clock },
  what: Parameters<RepoWriter['putRecord']>[0] & { place: string },
): Promise<{ uri: string; cid: string }> {
  const { sql, writer, progress } = deps
  checkRecord(what, what.record)
  const left = await otherPlaces(sql, what)
  const written =
    left.length === 0 ? await writer.putRecord(what) : await moveRecord(deps, what, left)
  await progress.reached(what.did, written.rev, what.place)
  return { uri: written.results[0]!.uri, cid: written.results[0]!.cid! }
}
