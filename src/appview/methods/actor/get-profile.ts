import { co } from '../../../lexicons/index.ts'
import { profile } from '../../collections/actor/profile.ts'
import type { Row } from '../../define.ts'
import { resolveActor } from '../../find-actor.ts'
import { readKarma } from '../../karma/read-karma.ts'
import { type Looking, lookUp, present } from '../../look.ts'
import { rolesOf } from '../../node-roles.ts'
import { notFound } from '../../not-found.ts'
import { profileShownSql } from '../../privacy.ts'
import { type Mount, type Reading, query } from '../../serve.ts'

type Deps = Reading & { readonly nodeAccount: () => Promise<string> }

/** `actor.getProfile` and `actor.getProfiles`: how accounts present themselves, and what this node
 *  says of them. An account without a profile record is shown with its handle, and so is one that
 *  does not show its profile to the caller; unknown and hidden ones are left out. */
export function getProfile(mount: Mount, { sql, origin, nodeAccount }: Deps): void {
  query(mount, co.kendev.actor.getProfile, async ({ params, viewer }) => {
    const looking = { sql, origin, viewer: viewer?.did }
    const [view] = await profiles(looking, await nodeAccount(), [params.actor])
    if (!view) throw notFound(`account ${params.actor}`)
    return view as never
  })

  query(mount, co.kendev.actor.getProfiles, async ({ params, viewer }) => {
    const looking = { sql, origin, viewer: viewer?.did }
    return { items: await profiles(looking, await nodeAccount(), params.actors) } as never
  })
}

async function profiles(
  looking: Looking,
  node: string,
  actors: readonly string[],
): Promise<object[]> {
  const { sql, viewer } = looking
  const dids = await Promise.all(actors.map((actor) => resolveActor(sql, actor)))
  const known = await sql.query<{ did: never; shown: boolean }>({ name: 'known', text: KNOWN }, [
    dids.filter((did) => did !== undefined),
    viewer ?? '',
  ])
  const wanted = known.rows.map(({ did }) => did)
  const shown = known.rows.flatMap((row) => (row.shown ? [row.did as string] : []))
  const { rows } = await sql.query<Row>(
    { name: 'profiles', text: 'select * from appview.profile where did = any($1)' },
    [shown],
  )
  const [views, look, karma, roles] = await Promise.all([
    present(profile, rows, looking),
    lookUp(looking, wanted),
    readKarma(sql, shown, viewer),
    rolesOf(sql, node, shown),
  ])
  const written = new Map(rows.map((row, n) => [row.did as string, views[n]]))
  const viewOf = (did: never) => {
    const own = karma.get(did)
    const may = [...(roles.get(did) ?? []), ...(own?.guardianAngel ? [GUARDIAN_ANGEL] : [])]
    const about = { ...(may.length > 0 && { roles: may }), ...(own && { karma: own }) }
    return { ...(written.get(did) ?? look.person(did)), ...about }
  }
  const byDid = new Map(wanted.map((did) => [did as string, viewOf(did)]))
  return dids.flatMap((did) => byDid.get(did ?? '') ?? [])
}

/** The role that comes with the score, beside those that the node gives. */
const GUARDIAN_ANGEL = 'guardian_angel'

const KNOWN = `select did, ${profileShownSql('a.did', '$2')} as shown from appview.account a
  where did = any($1) and status = 'active' and "localStatus" is null`
