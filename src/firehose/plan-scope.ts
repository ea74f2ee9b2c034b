import { type Plan, loseTrack, statusOf, takePds } from './plan.ts'
import { Planning } from './planning.ts'
import { type Standing, UNCONFIRMED, isKeptBack } from './standing.ts'
import type { ListedRepo } from './store.ts'

type Standings = ReadonlyMap<string, Standing>

/** What it does to bring an account into scope. One that is known is fetched only when nothing of
 *  its repo was ever taken in, or when it lives elsewhere now. */
export function planFollow(
  account: { did: string; pds: string; handle?: string },
  known: { standing: Standing; followed: boolean } | undefined,
  now: Date,
): Plan {
  const { did, pds, handle } = account
  const standings = known && new Map([[did, known.standing]])
  const planning = new Planning(standings ?? new Map(), now)
  if (known?.standing.upstream === 'deleted') return planning.end()
  if (handle === undefined) planning.change(did, {})
  else planning.name(did, handle)
  takePds(planning, did, pds)
  if (!known?.followed && planning.of(did).rev === null) planning.desynchronize(did, 'Followed')
  return planning.end()
}

/** What a host's list of repos does. A host can list anything: of an account that was not active
 *  its own PDS is asked before it is shown again; and so it is of a new one that the host calls
 *  away, for it may have moved before anything was heard of it. `pds` is null when the host is
 *  none. */
export function planListed(
  { repos, pds }: { repos: readonly ListedRepo[]; pds: string | null },
  standings: Standings,
  now: Date,
): Plan {
  const planning = new Planning(standings, now)
  for (const repo of repos) {
    const { did } = repo
    const upstream = statusOf(repo)
    const known = standings.get(did)
    if (known === undefined && upstream !== 'deleted') {
      planning.change(did, { upstream: upstream === 'active' ? upstream : UNCONFIRMED, pds })
      planning.desynchronize(did, 'Listed')
    } else if (known !== undefined && upstream === 'active' && isAway(known)) {
      planning.change(did, { upstream: UNCONFIRMED })
      planning.desynchronize(did, 'ListedActive', { afresh: !isKeptBack(known) })
    }
  }
  return planning.end()
}

function isAway({ upstream }: Standing): boolean {
  return upstream !== 'active' && upstream !== UNCONFIRMED
}

/** What it does to declare repos desynchronized. */
export function planLost(standings: Standings, reason: string, now: Date): Plan {
  const planning = new Planning(standings, now)
  for (const did of standings.keys()) loseTrack(planning, did, reason)
  return planning.end()
}
