import { randomBytes } from 'node:crypto'
import { ensureValidHandle } from '@atproto/syntax'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { notFound } from './not-found.ts'
import type { Sql } from './sql.ts'
import type { Tenant } from './tenants.ts'

/** A domain that a tenant has named. */
export type Domain = {
  readonly domain: string
  /** The tenant's name in tables, not its DID. */
  readonly tenant: string
  readonly type: string
  readonly challenge: string
  readonly isPrimary: boolean
  readonly isActive: boolean
  readonly verifiedAt: Date | null
  readonly challengedAt: Date | null
  readonly createdAt: Date
}

/** What domains are for. */
export const DOMAIN_TYPES: readonly string[] = ['subdomain', 'custom', 'development', 'staging']

/** How long a proof that was asked for can be given. */
const PROOF_MS = 7 * 86_400_000
/** How many domains of a tenant may wait for their proof. */
const WAITING_MAX = 20

/** The normal form of a domain's name: lower case, no dot at its end. Throws `InvalidHandle` for
 *  what could not be part of a handle either (https://atproto.com/specs/handle). */
export function domainName(given: string): string {
  const name = given.toLowerCase().replace(/\.$/, '')
  try {
    ensureValidHandle(name)
  } catch {
    throw new InvalidRequestError(
      `${name} is not the name of a domain, such as salon.example.`,
      'InvalidHandle',
    )
  }
  return name
}

/** A token of 256 bits that nobody guesses. */
export function newChallenge(): string {
  return randomBytes(32).toString('base64url')
}

/** Where the proof of a domain is looked for, and what it has to say there. */
export function proofOf({ domain, challenge }: Pick<Domain, 'domain' | 'challenge'>) {
  return {
    dnsName: `_angelos.${domain}`,
    dnsValue: `angelos-domain=${challenge}`,
    url: `https://${domain}/.well-known/angelos-domain`,
    content: challenge,
  }
}

/** Until when a proof counts that was asked for at that time. */
export function proofEnds({ challengedAt, createdAt }: Domain): Date {
  return new Date((challengedAt ?? createdAt).getTime() + PROOF_MS)
}

/** All domains of a tenant, the primary one first, then by name. */
export async function domainsOf(sql: Sql, { id }: Tenant): Promise<Domain[]> {
  const { rows } = await sql.query<Domain>(
    'select * from node.domain where tenant = $1 order by "isPrimary" desc, domain',
    [id],
  )
  return rows
}

/** Throws `NotFound` unless the tenant has named this domain. */
export async function requireDomain(sql: Sql, { id }: Tenant, domain: string): Promise<Domain> {
  const { rows } = await sql.query<Domain>(
    'select * from node.domain where tenant = $1 and domain = $2',
    [id, domain],
  )
  if (rows[0]) return rows[0]
  throw notFound(`domain ${domain}`)
}

/** Says that the domain is another tenant's. */
export function taken(domain: string): InvalidRequestError {
  return new InvalidRequestError(
    `Another tenant has proven that ${domain} is theirs.`,
    'DomainTaken',
  )
}

/** Notes a domain; one that waits for its proof gets a new one. Throws `LimitExceeded` when too
 *  many wait. `verifiedAt` is the time for one that needs no proof. */
export async function noteDomain(
  tx: Sql,
  wish: { tenant: Tenant; domain: string; type: string; verifiedAt: Date | null; now: Date },
): Promise<void> {
  const { tenant, domain, type, verifiedAt, now } = wish
  // Taken in turn, so that of two who name one at a time the second counts the first.
  await tx.query('select 1 from node.tenant where id = $1 for update', [tenant.id])
  const { rows } = await tx.query<{ n: number }>(
    `select count(*)::int as n from node.domain
     where tenant = $1 and domain <> $2 and "verifiedAt" is null`,
    [tenant.id, domain],
  )
  if (verifiedAt === null && rows[0]!.n >= WAITING_MAX)
    throw new InvalidRequestError(
      `${WAITING_MAX} domains wait for their proof. Prove or remove some of them first.`,
      'LimitExceeded',
    )
  await tx.query(NOTE, [domain, tenant.id, type, newChallenge(), verifiedAt, now])
}

const NOTE = `insert into node.domain as d
    (domain, tenant, type, challenge, "isPrimary", "verifiedAt", "challengedAt", "createdAt")
  values ($1, $2, $3, $4, false, $5, $6, $6)
  on conflict (domain, tenant) do update set type = $3,
    challenge = case when d."verifiedAt" is null then $4 else d.challenge end,
    "challengedAt" = case when d."verifiedAt" is null then $6 else d."challengedAt" end`

/** A domain as its tenant sees it. */
export function domainView(domain: Domain) {
  const { domain: name, type, isPrimary, isActive, verifiedAt, createdAt } = domain
  return {
    domain: name,
    type,
    isPrimary,
    isActive,
    isVerified: verifiedAt !== null,
    ...(verifiedAt && { verifiedAt: verifiedAt.toISOString() }),
    ...(!verifiedAt && {
      proof: { ...proofOf(domain), expiresAt: proofEnds(domain).toISOString() },
    }),
    createdAt: createdAt.toISOString(),
  }
}
