import { randomBytes } from 'node:crypto'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { space } from '../../collections/spaces/space.ts'
import type { Row } from '../../define.ts'
import { type Founding, foundSpace } from '../../found-space.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

type Deps = Reading &
  Founding & {
    readonly nextTid: () => string
    /** What handles of this node end in, with the leading dot. */
    readonly handleDomain: string
  }

/** `spaces.createSpace` founds a space with an account and a repo of its own. One that is not
 *  public shows the world no more than an account with a random handle and an empty repo. */
export function createSpace(mount: Mount, deps: Deps): void {
  const { sql, origin, clock, nextTid, handleDomain } = deps

  procedure(mount, co.kendev.spaces.createSpace, async ({ input, viewer }) => {
    const { slug, channels = [{ name: 'general' }], idempotencyKey, ...about } = input
    const { tenant } = about
    if (viewer.kind === 'remote')
      throw unsupported('Only accounts of this node can found a space on it.')
    const { visibility = 'public', memberApproval = 'automatic' } = about
    if (!['public', 'invite_only', 'private'].includes(visibility))
      throw unsupported('A space is public, invite_only or private.')
    const closed = visibility !== 'public'
    if (!['automatic', 'manual', 'disabled'].includes(memberApproval))
      throw unsupported('memberApproval is automatic, manual or disabled.')
    const domain = tenant === undefined ? handleDomain : await domainOf(deps, tenant, viewer.did)
    viewer.assertMayWrite?.('create', co.kendev.spaces.membershipRequest.$type)
    const at = clock.now().toISOString()
    const name = slug ?? slugOf(about.name)
    const { did } = await foundSpace(
      deps,
      {
        caller: viewer.did,
        key: idempotencyKey ?? nextTid(),
        // Handles can be found by anybody; the one of a closed space says nothing of it.
        slug: closed ? `s-${randomBytes(10).toString('hex')}` : name,
        domain: closed ? handleDomain : domain,
        exact: !closed && slug !== undefined,
      },
      {
        at,
        closed,
        space: { ...about, slug: name, createdAt: at },
        channels: channels.map((c, position) => ({
          rkey: nextTid(),
          record: { ...c, position, createdAt: at },
        })),
      },
    )
    const { rows } = await sql.query<Row>('select * from appview.space where did = $1', [did])
    if (!rows[0]) throw notFound(`space ${did} yet`)
    return (await present(space, rows, { sql, origin, viewer: viewer.did }))[0] as never
  })
}

/** Spaces of a tenant are named below its own name on this node. */
async function domainOf({ sql, handleDomain }: Deps, tenant: string, did: string): Promise<string> {
  const asks = { tenant, did, permission: 'manage_spaces' } as const
  const seen = await requireTenantPermission(sql, asks)
  return `.${seen.tenant.subdomain}${handleDomain}`
}

/** A handle's first label from a name: ASCII letters, digits and single hyphens (N-15). */
export function slugOf(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  const slug = plain.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '')
  const short = slug.slice(0, 40).replace(/-+$/, '')
  return short.length >= 3 ? short : `space-${short || 'new'}`
}

function unsupported(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'NotSupported')
}
