import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Main, type l, getMain } from '@atproto/lex'
import { required } from '../../access.ts'
import { requireSuperAdmin } from '../../node-roles.ts'
import type { Mount } from '../../serve.ts'
import type { Sql } from '../../sql.ts'

/** What is asked to find out who runs the node. */
export type AdminDeps = {
  readonly sql: Sql
  /** The node's own account. */
  readonly nodeAccount: () => Promise<string>
  /** Whether an `authorization` header is the administrator's. */
  readonly isAdmin: (header: string | undefined) => boolean
}

/** Mounts a method for super admins of this node and for whoever has the administrator's password,
 *  who then acts as the node itself. What anybody else asks about is not looked at. */
export function superAdmin<M extends l.Query | l.Procedure>(
  { server, authenticate }: Mount,
  { sql, nodeAccount, isAdmin }: AdminDeps,
  ns: Main<M>,
  answer: (call: {
    params: l.InferMethodParams<M>
    input: l.InferMethodInputBody<M>
    admin: { did: string }
  }) => Promise<object>,
): void {
  const { nsid } = getMain(ns)
  const config = {
    auth: async ({ req, res }: { req: IncomingMessage; res: ServerResponse }) => {
      const node = await nodeAccount()
      if (isAdmin(req.headers.authorization)) return { credentials: { did: node } }
      const { did } = required(await authenticate({ req, res }, nsid))
      await requireSuperAdmin(sql, node, did)
      return { credentials: { did } }
    },
    handler: async (call: { params: never; input?: { body: never }; auth: never }) => {
      const { credentials: admin } = call.auth as { credentials: { did: string } }
      const body = await answer({ params: call.params, input: call.input?.body as never, admin })
      return { encoding: 'application/json', body }
    },
  }
  server.add(ns, config as never)
}
