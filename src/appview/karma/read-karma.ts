import type { l } from '@atproto/lex'
import type { co } from '../../lexicons/index.ts'
import { karmaShownSql } from '../privacy.ts'
import type { Sql } from '../sql.ts'
import { ANGEL_SCORE, contributionLevel } from './reputation.ts'

/** What the awards of these people come to, of those who show it to the viewer. */
export async function readKarma(
  sql: Sql,
  dids: readonly string[],
  viewer: string | undefined,
): Promise<ReadonlyMap<string, co.kendev.karma.defs.KarmaView>> {
  const { rows } = await sql.query<Kept>(KARMA, [dids, viewer ?? ''])
  return new Map(rows.map((row) => [row.did, viewOf(row)]))
}

type Kept = {
  did: l.DidString
  score: number
  recognisers: number
  contributions: Record<string, number>
}

function viewOf({ did, score, recognisers, contributions }: Kept) {
  const parts = Object.entries(contributions).toSorted(
    ([a, n], [b, m]) => m - n || (a < b ? -1 : 1),
  )
  return {
    did,
    score,
    level: contributionLevel(score),
    guardianAngel: score >= ANGEL_SCORE,
    contributions: parts.map(([type, points]) => ({ type, points })),
    recognisers,
  }
}

const KARMA = {
  name: 'karma',
  text: `select w.did, coalesce(k.score, 0) as score, coalesce(k.recognisers, 0) as recognisers,
      coalesce(k.contributions, '{}') as contributions
    from unnest($1::text[]) w(did) left join node.karma k on k.did = w.did
    where ${karmaShownSql('w.did', '$2')}`,
}
