import { co } from '../../../lexicons/index.ts'
import { resolveActor } from '../../find-actor.ts'
import { findAward, listAwards } from '../../karma/award-views.ts'
import { readKarma } from '../../karma/read-karma.ts'
import { knownUri } from '../../reference.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, query } from '../../serve.ts'

/** `karma.getKarma`, `getAward` and `listAwards`: what people are recognised for. Who does not show
 *  their karma to the caller has none to be found. */
export function readAwards(mount: Mount, { sql, origin, loads }: Reading): void {
  const { getAward, getKarma, listAwards: list } = co.kendev.karma

  query(mount, getKarma, async ({ params: { actor }, viewer }) => {
    const did = await resolveActor(sql, actor)
    const known = await sql.query({ name: 'active', text: ACTIVE }, [did ?? ''])
    const karma = known.rows.length > 0 && (await readKarma(sql, [did!], viewer?.did)).get(did!)
    if (!karma) throw notFound(`karma of ${actor}`)
    return karma
  })

  query(mount, getAward, async ({ params, viewer }) => {
    const view = await findAward({ sql, origin, loads, viewer: viewer?.did }, knownUri(params.uri))
    if (!view) throw notFound(params.uri)
    return view
  })

  query(mount, list, async ({ params, viewer }) =>
    listAwards({ sql, origin, loads, viewer: viewer?.did }, params),
  )
}

const ACTIVE = `select 1 from appview.account
  where did = $1 and status = 'active' and "localStatus" is null`
