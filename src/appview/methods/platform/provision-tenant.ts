import { randomBytes } from 'node:crypto'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { billingTerms } from '../../billing-terms.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { notFound } from '../../not-found.ts'
import { nodeRoleOf } from '../../node-roles.ts'
import { type Limits, planOf } from '../../plans.ts'
import { provision, rollBack } from '../../provision.ts'
import type { Provisioning } from '../../provisioning-steps.ts'
import { type Mount, query } from '../../serve.ts'
import type { SqlPool } from '../../sql.ts'
import { tenantTemplates } from '../../tenant-templates.ts'
import { type Tenant, findTenant, logView, provisionView } from '../../tenants.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps &
  Provisioning & { readonly sql: SqlPool; readonly isHosted: (did: string) => Promise<boolean> }

/** `platform.provisionTenant`, `retryProvisioning`, `rollbackProvisioning`, `getTenantProvision`
 *  and `listTenantProvisions`. */
export function provisionTenant(mount: Mount, deps: Deps): void {
  const { sql } = deps

  superAdmin(mount, deps, co.kendev.platform.provisionTenant, async ({ input, admin }) => {
    const { template, plan = 'free', limits, owner } = input
    if (!Object.hasOwn(tenantTemplates, template)) throw unsupported(`no template ${template}`)
    const allowed = planOf(plan, limits as Limits | undefined)
    if (!allowed) throw unsupported(`no plan ${plan} without limits of its own`)
    // Its first space is founded by the owner, for which their repo has to be here.
    if (!(await deps.isHosted(owner))) throw unsupported(`no account ${owner} on this node`)
    const terms = billingTerms(input)
    const id = await register(deps, {
      ...input,
      terms,
      plan,
      limits: allowed.limits,
      by: admin.did,
    })
    return provisionView(deps, await provision(deps, id), true)
  })

  superAdmin(mount, deps, co.kendev.platform.retryProvisioning, async ({ input }) => {
    const { id, billingReference: reference } = input
    const tenant = await requireId(sql, id)
    if (tenant.isProvisioned)
      throw new InvalidRequestError('It is set up to the end already.', 'InvalidTransition')
    if (reference !== undefined)
      await sql.query('update node.tenant set billing = billing || $2::jsonb where id = $1', [
        tenant.id,
        JSON.stringify({ reference }),
      ])
    return provisionView(deps, await provision(deps, tenant.id), true)
  })

  superAdmin(mount, deps, co.kendev.platform.rollbackProvisioning, async ({ input }) => {
    const { id } = await requireId(sql, input.id)
    return { id, log: logView(await rollBack(deps, id)) }
  })

  query(mount, co.kendev.platform.getTenantProvision, async ({ params, viewer }) => {
    const tenant = await findTenant(sql, params.id)
    const role = viewer && (await nodeRoleOf(sql, await deps.nodeAccount(), viewer.did))
    const isAdmin = role === 'super_admin'
    if (!tenant || (!isAdmin && tenant.owner !== viewer?.did)) throw notFound(`tenant ${params.id}`)
    return (await provisionView(deps, tenant, isAdmin)) as never
  })

  superAdmin(mount, deps, co.kendev.platform.listTenantProvisions, async ({ params }) => {
    const { status, limit, cursor } = params
    const [at = null, name = null] = startOf(cursor)
    const { rows } = await sql.query<Tenant>(LIST, [status ?? null, limit + 1, at, name])
    const { page, next } = pageOf(rows, limit)
    const items = await Promise.all(page.map((tenant) => provisionView(deps, tenant, true)))
    return { items, ...next }
  })
}

const LIST = `select * from node.tenant where ($1::text is null or status = $1)
  and ($3::timestamptz is null or ("createdAt", id) < ($3, $4))
  order by "createdAt" desc, id desc limit $2`

type Wish = {
  name: string
  subdomain: string
  owner: string
  template: string
  businessType?: string
  plan: string
  limits: Limits
  trial?: boolean
  terms: ReturnType<typeof billingTerms>
  billingReference?: string
  notes?: string
  idempotencyKey?: string
  by: string
}

/** Notes the tenant before anything of it is made, so that a stop leaves it to be gone on with; the
 *  same key again is the same tenant. */
async function register({ sql, clock }: Deps, wish: Wish): Promise<string> {
  const { name, owner, template, plan, notes = null, businessType = 'other' } = wish
  const id = wish.idempotencyKey?.replaceAll(/[^a-z0-9]/g, '') || randomBytes(8).toString('hex')
  const subdomain = wish.subdomain.toLowerCase()
  const { trial = false, billingReference: reference, terms } = wish
  const refer = reference !== undefined && { reference }
  const billing = { cycle: 'monthly', ...terms, trial, ...refer }
  await sql.query(
    `insert into node.tenant (id, subdomain, name, owner, "businessType", template, status, plan,
       limits, features, billing, notes, "createdBy", "createdAt", "updatedAt")
     values ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, '{}', $9, $10, $11, $12, $12)
     on conflict do nothing`,
    [
      id,
      subdomain,
      name,
      owner,
      businessType,
      template,
      plan,
      JSON.stringify(wish.limits),
      JSON.stringify(billing),
      notes,
      wish.by,
      clock.now(),
    ],
  )
  const made = await findTenant(sql, id)
  if (made?.id === id && made.subdomain === subdomain) return id
  throw new InvalidRequestError(
    `The subdomain ${subdomain} is taken. Choose another.`,
    'HandleNotAvailable',
  )
}

async function requireId(sql: SqlPool, id: string): Promise<Tenant> {
  const tenant = await findTenant(sql, id)
  if (tenant) return tenant
  throw notFound(`tenant ${id}`)
}

function unsupported(what: string): InvalidRequestError {
  return new InvalidRequestError(`There is ${what}.`, 'NotSupported')
}
