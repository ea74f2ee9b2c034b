import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { appendAudit } from '../../audit.ts'
import { featureResponse } from '../../collections/platform/feature-response.ts'
import { notFound } from '../../not-found.ts'
import { noticeJob } from '../../notify.ts'
import { knownUri } from '../../reference.ts'
import type { Mount } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps & Acting

/** `platform.respondToFeedback`: an answer to what everybody reads is a record of the node, one to
 *  what was not for everybody stands beside it. */
export function respondToFeedback(mount: Mount, deps: Deps): void {
  const { sql, clock, nextTid, nodeAccount } = deps
  const { platform } = co.kendev

  superAdmin(mount, deps, platform.respondToFeedback, async ({ input, admin }) => {
    const { uri, id, comment } = input
    const node = await nodeAccount()
    const action = platform.respondToFeedback.$lxm
    const createdAt = clock.now().toISOString()
    if (id !== undefined) {
      await respondPrivately(deps, {
        node,
        actor: admin.did,
        action,
        id,
        said: { comment, createdAt },
      })
      return { id }
    }
    const { author, ...about } = await requireFeedback(sql, node, uri)
    const data = {}
    const told = { recipient: author, kind: 'feedbackAnswered', key: createdAt, data }
    const made = await act(deps, {
      at: { did: node, collection: featureResponse.nsid, rkey: nextTid(), place: '' },
      record: {
        $type: featureResponse.nsid,
        feedback: about,
        comment,
        author: admin.did,
        createdAt,
      },
      by: { actor: admin.did, role: 'super_admin', action },
      effects: [noticeJob({ ...told, subject: about.uri })],
    })
    return { uri: made.uri }
  })
}

async function respondPrivately(
  { outbox, clock }: Deps,
  answer: { node: string; actor: string; action: string; id: string; said: object },
): Promise<void> {
  const { node, actor, action, id, said } = answer
  await outbox.transact(async (tx, queue) => {
    const { rows } = await tx.query<{ author: string }>(
      'update node."privateFeedback" set response = $2 where id = $1 returning author',
      [id, JSON.stringify(said)],
    )
    if (!rows[0]) throw notFound(`feedback ${id}`)
    const recipient = rows[0].author
    const key = `${id} ${clock.now().toISOString()}`
    await queue(noticeJob({ recipient, kind: 'feedbackAnswered', key, data: {} }))
    const event = { chain: node, subject: id, actor, role: 'super_admin', action }
    await appendAudit(tx, { ...event, at: clock.now() })
  })
}

async function requireFeedback(
  sql: Sql,
  node: string,
  uri: string | undefined,
): Promise<{ uri: string; cid: string; author: string }> {
  const { rows } = await sql.query<{ uri: string; cid: string; author: string }>(
    'select uri, cid, did as author from appview."featureFeedback" where uri = $1 and node = $2',
    [uri === undefined ? '' : knownUri(uri), node],
  )
  if (rows[0]) return rows[0]
  throw notFound(`feedback ${uri ?? 'without uri or id'}`)
}
