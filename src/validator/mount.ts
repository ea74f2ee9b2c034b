import type { IncomingMessage } from 'node:http'
import type { Main, l } from '@atproto/lex'
import type { Server } from '@atproto/xrpc-server'

/** A call of a validator's method. */
type Call<M extends l.Query | l.Procedure> = {
  readonly params: l.InferMethodParams<M>
  readonly input: M extends l.Procedure ? l.InferMethodInputBody<M> : undefined
  readonly req: IncomingMessage
}

/** Mounts a method that asks nobody who they are; the router counts requests by address. A body is
 *  as large as any may be unless `jsonLimit` says how many bytes. */
export function addMethod<M extends l.Query | l.Procedure>(
  server: Server,
  ns: Main<M>,
  answer: (call: Call<M>) => Promise<object>,
  opts: { readonly jsonLimit?: number } = {},
): void {
  type Request = {
    params: Call<M>['params']
    input?: { body: Call<M>['input'] }
    req: IncomingMessage
  }
  const handler = async ({ params, input, req }: Request) => {
    const body = await answer({ params, input: input?.body as Call<M>['input'], req })
    // Bytes write themselves as JSON has them.
    return { encoding: 'application/json', body: JSON.parse(JSON.stringify(body)) as object }
  }
  const { stack } = server.routes
  const before = stack.length
  server.add(ns, { handler, opts } as never)
  // The router asks its hundreds of routes in their order; these are called for every transfer.
  stack.unshift(...stack.splice(before))
}
