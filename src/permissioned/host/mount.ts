import type { IncomingMessage, ServerResponse } from 'node:http'
import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { type SpaceRef, parseSpace, spaceUri } from '../space-ref.ts'

/** A request with the response that goes with it. */
export type Exchange = { readonly req: IncomingMessage; readonly res: ServerResponse }

/** A method's call: the parameters of its lexicon or its body, and who calls. */
export type Call<C> = Exchange & { readonly input: Record<string, unknown>; readonly caller: C }

/** What a method sends: JSON, or bytes with their own type. */
export type Answer = object | undefined

/** A space that a request names: its parts, and the one way to write it. */
export type Space = SpaceRef & { readonly uri: string }

/** Mounts a method of the loaded lexicons: `caller` finds out who asks before the body is read, and
 *  throws 401 or 403. No answer may be kept by a cache. */
export function route<C>(
  server: Server,
  nsid: string,
  method: {
    caller: (exchange: Exchange) => Promise<C>
    answer: (call: Call<C>) => Promise<Answer>
  },
): void {
  server.method(nsid, {
    auth: async ({ req, res }) => {
      const credentials = await method.caller({ req, res })
      res.setHeader('cache-control', 'private, no-store')
      return { credentials }
    },
    handler: async ({ params, input, auth, req, res }) => {
      const body = (input as { body?: unknown } | undefined)?.body
      const caller = (auth as { credentials: C }).credentials
      const given = (body ?? params) as Record<string, unknown>
      const answer = await method.answer({ input: given, caller, req, res })
      if (answer === undefined) return undefined
      if ('stream' in answer) return answer as never
      return { encoding: 'application/json', body: answer }
    },
  })
}

/** The space that a request names; `InvalidRequest` for what is no reference to one. */
export function spaceOf(value: unknown): Space {
  const ref = typeof value === 'string' ? parseSpace(value) : undefined
  if (ref) return { ...ref, uri: spaceUri(ref) }
  throw new InvalidRequestError('space must be at://{did}/space/{type}/{key}.')
}
