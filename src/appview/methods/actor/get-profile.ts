import { co } from '../../../lexicons/index.ts'
import { profile } from '../../collections/actor/profile.ts'
import type { Row } from '../../define.ts'
import { resolveActor } from '../../find-actor.ts'
import { type Looking, lookUp, present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, query } from '../../serve.ts'

/** `actor.getProfile` and `actor.getProfiles`: how accounts present themselves. An account without
 *  a profile record is shown with its handle; unknown and hidden ones are left out. */
export function getProfile(mount: Mount, { sql, origin }: Reading): void {
  query(mount, co.kendev.actor.getProfile, async ({ params, viewer }) => {
    const looking = { sql, origin, viewer: viewer?.did }
    const [view] = await profiles(looking, [params.actor])
    if (!view) throw notFound(`account ${params.actor}`)
    return view as never
  })

  query(mount, co.kendev.actor.getProfiles, async ({ params, viewer }) => {
    const looking = { sql, origin, viewer: viewer?.did }
    return { items: await profiles(looking, params.actors) } as never
  })
}

async function profiles(looking: Looking, actors: readonly string[]): Promise<object[]> {
  const { sql } = looking
  const dids = await Promise.all(actors.map((actor) => resolveActor(sql, actor)))
  const known = await sql.query<{ did: never }>({ name: 'known', text: KNOWN }, [
    dids.filter((did) => did !== undefined),
  ])
  const wanted = known.rows.map(({ did }) => did)
  const { rows } = await sql.query<Row>(
    { name: 'profiles', text: 'select * from appview.profile where did = any($1)' },
    [wanted],
  )
  const written = new Map(
    (await present(profile, rows, looking)).map((view, n) => [rows[n]!.did as string, view]),
  )
  const look = await lookUp(looking, wanted)
  const byDid = new Map(wanted.map((did) => [did as string, written.get(did) ?? look.person(did)]))
  return dids.flatMap((did) => byDid.get(did ?? '') ?? [])
}

const KNOWN = `select did from appview.account
  where did = any($1) and status = 'active' and "localStatus" is null`
