import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import type { Clock } from '../../../clock.ts'
import { type Viewer, required } from '../../access.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, procedure, query } from '../../serve.ts'

/** Where grants are kept. */
export type SpaceGrants = {
  /** Follows the spaces with these keys beside those whose readers follow from roles. */
  put(did: string, grant: Grant, skeys?: readonly string[]): Promise<void>
  list(did: string, limit: number, cursor?: string): Promise<{ items: Grant[]; cursor?: string }>
  remove(did: string, grant: { authority: string; spaceType: string }): Promise<boolean>
}

type Grant = {
  authority: string
  spaceType: string
  actions: string[]
  createdAt: string
  expiresAt?: string
}

/** `actor.putSpaceGrant`, `listSpaceGrants` and `deleteSpaceGrant`: the leave that an account gives
 *  to its OAuth clients to act in permissioned spaces. Only its own password can give it. */
export function spaceGrants(
  mount: Mount,
  { spaceGrants: grants, clock }: { spaceGrants: SpaceGrants; clock: Clock },
): void {
  const { putSpaceGrant, listSpaceGrants, deleteSpaceGrant } = co.kendev.actor

  procedure(mount, putSpaceGrant, async ({ input, viewer }) => {
    const { did } = full(viewer)
    const { authority, spaceType, actions, expiresAt, skeys } = input
    const kept = { authority, spaceType, actions: [...new Set<string>(actions)] }
    const grant = { ...kept, createdAt: clock.now().toISOString(), ...(expiresAt && { expiresAt }) }
    await grants.put(did, grant, skeys)
    return { grant } as never
  })

  query(mount, listSpaceGrants, async ({ params, viewer }) => {
    const { did } = full(required(viewer))
    return (await grants.list(did, params.limit ?? 50, params.cursor)) as never
  })

  procedure(mount, deleteSpaceGrant, async ({ input, viewer }) => {
    if (await grants.remove(full(viewer).did, input)) return {}
    throw notFound(`grant for ${input.spaceType} of ${input.authority}`)
  })
}

function full(viewer: Viewer): Viewer {
  if (viewer.full) return viewer
  const message =
    'Only a session begun with the account’s own password may do this. Log in with it.'
  throw new ForbiddenError(message, 'FullSessionRequired')
}
