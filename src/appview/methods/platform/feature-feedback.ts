import { randomBytes } from 'node:crypto'
import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { featureFeedback } from '../../collections/platform/feature-feedback.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { nodeRoleOf } from '../../node-roles.ts'
import { type OwnRecords, putOwn } from '../../own-record.ts'
import { knownUri } from '../../reference.ts'
import { requireFeature } from '../../roadmap.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'

type Deps = Reading &
  OwnRecords & {
    readonly outbox: Outbox
    readonly clock: Clock
    readonly nextTid: () => string
    readonly nodeAccount: () => Promise<string>
  }

/** How often somebody says something about a feature that is not for everybody. */
const PRIVATE_MAX = 50

/** `platform.giveFeatureFeedback` and `listPrivateFeedback`. What is for
 *  everybody is a record of its author's; what is not is kept by the node, since there is no repo
 *  that its author and all super admins read. */
export function feedback(mount: Mount, deps: Deps): void {
  const { sql, clock, nextTid, nodeAccount } = deps
  const { platform } = co.kendev
  const collection = featureFeedback.nsid

  procedure(mount, platform.giveFeatureFeedback, async ({ input, viewer }) => {
    const { feature, comment, type = 'feedback', isPublic = true, uri, cid } = input
    const row = await requireFeature(sql, await nodeAccount(), feature)
    if (uri === undefined && !comment?.length)
      throw new InvalidRequestError('Say something: give comment.', 'InvalidRecord')
    const createdAt = clock.now().toISOString()
    if (!isPublic)
      return {
        id: await keep(deps.outbox, {
          feature: row.uri,
          author: viewer.did,
          comment,
          type,
          createdAt,
        }),
      }
    const about = { uri: row.uri, cid: row.cid }
    const made = await putOwn(
      deps,
      { viewer, collection, ...(uri !== undefined && { uri }), ...(cid !== undefined && { cid }) },
      {
        rkey: nextTid(),
        record: { $type: collection, feature: about, comment, type, createdAt },
      },
    )
    return made as never
  })

  query(mount, platform.listPrivateFeedback, async ({ params, viewer }) => {
    const { did } = required(viewer)
    const { feature, limit, cursor } = params
    const role = await nodeRoleOf(sql, await nodeAccount(), did)
    const author = role === 'super_admin' ? null : did
    const [at = null, id = null] = startOf(cursor)
    const { rows } = await sql.query<Kept>(LIST, [
      feature === undefined ? null : knownUri(feature),
      author,
      limit + 1,
      at,
      id,
    ])
    const { page, next } = pageOf(rows, limit)
    return { items: page.map(view), ...next } as never
  })
}

type Kept = {
  id: string
  feature: string
  author: string
  comment: object
  type: string
  response: object | null
  createdAt: Date
}

const LIST = `select * from node."privateFeedback"
  where ($1::text is null or feature = $1) and ($2::text is null or author = $2)
    and ($4::timestamptz is null or ("createdAt", id) < ($4, $5))
  order by "createdAt" desc, id desc limit $3`

function view({ response, createdAt, ...told }: Kept) {
  return { ...told, ...(response && { response }), createdAt: createdAt.toISOString() }
}

async function keep(
  outbox: Outbox,
  said: { feature: string; author: string; comment: unknown; type: string; createdAt: string },
): Promise<string> {
  const { feature, author, comment, type, createdAt } = said
  const id = randomBytes(12).toString('hex')
  const { rowCount } = await outbox.transact(async (tx) => {
    // In turn, so that of two at one time the second counts the first.
    await tx.query('select pg_advisory_xact_lock(hashtext($1))', [`feedback ${author}`])
    return tx.query(
      `insert into node."privateFeedback" (id, feature, author, comment, type, "createdAt")
     select $1, $2, $3, $4, $5, $6::timestamptz
     where (select count(*) from node."privateFeedback" where author = $3 and feature = $2)
       < ${PRIVATE_MAX}`,
      [id, feature, author, JSON.stringify(comment), type, createdAt],
    )
  })
  if (rowCount === 1) return id
  throw new InvalidRequestError(
    `You have said ${PRIVATE_MAX} things about this feature. Say the next to everybody.`,
    'LimitExceeded',
  )
}
