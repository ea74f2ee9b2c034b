import type { Method } from '../leaks/methods.ts'
import type { Business } from './world.ts'

type Field = NonNullable<Method['fields']['properties']>[string]

/** What is put where; `of` says that it is the other tenant's. */
export type Question = { readonly of: string; readonly body: Readonly<Record<string, unknown>> }

/** Every question of a method in which one thing named is the other tenant's, or several are, and
 *  all else the caller's own. */
export function questionsOf(
  method: Method,
  { own, other, cursors }: { own: Business; other: Business; cursors: readonly string[] },
): Question[] {
  const { properties = {}, required = [] } = method.fields
  const names = Object.keys(properties)
  const base = Object.fromEntries(
    required.map((name) => [name, ownValue(method, name, properties[name]!, own)]),
  )
  const one = names.flatMap((name) =>
    othersFor(name, properties[name]!, other, cursors).map((value) => ({
      of: name,
      body: { ...base, [name]: value },
    })),
  )
  // Where a tenant or a space is named beside something of it, both are the other's.
  const within = ['tenant', 'space'].filter((name) => names.includes(name))
  const both = within.flatMap((place) =>
    one
      .filter(({ of }) => of !== place)
      .map(({ of, body }) => ({
        of: `${place} and ${of}`,
        body: { ...body, [place]: other.names[place]![0] },
      })),
  )
  return [...one, ...both]
}

/** What could be asked of a field with names of the other tenant. */
function othersFor(
  name: string,
  field: Field,
  { names, did, space }: Business,
  cursors: readonly string[],
): unknown[] {
  if (name === 'cursor') return field.type === 'integer' ? [0] : [...cursors]
  if (field.type === 'array') return everything(names).map((value) => [value])
  if (field.type === 'ref' || field.type === 'unknown' || field.type === 'union')
    return names['uri']!.map((uri, n) => ({ uri, cid: names['cid']![n] ?? names['cid']![0] }))
  if (field.type !== 'string' || field.knownValues) return []
  if (field.format === 'did') return [did, space, ...names['person']!]
  if (field.format === 'at-identifier') return [did, space]
  if (field.format === 'at-uri') return [...names['uri']!]
  if (field.format === 'cid') return [...names['cid']!]
  if (field.format === 'record-key' || name === 'rkey') return [...names['rkey']!]
  if (field.format !== undefined) return []
  return everything(names)
}

function everything(names: Business['names']): string[] {
  return [...new Set(Object.values(names).flat())]
}

/** Something of the caller's own that a method accepts. */
function ownValue(
  { nsid }: Method,
  name: string,
  field: Field,
  { did, space, channel, member, domain, id, names }: Business,
): unknown {
  const known: Record<string, unknown> = {
    tenant: did,
    space,
    channel,
    member: member.did,
    subject: nsid.includes('.spaces.') ? names['uri']![1] : member.did,
    uri: names['uri']![0],
    domain,
    id,
    actor: member.did,
    collection: 'co.kendev.commerce.product',
    rkey: names['rkey']![0],
    record: { title: 'Comb', productType: 'physical', createdAt: '2026-11-23T10:00:00Z' },
    role: 'tenant_member',
    q: 'counter',
  }
  if (name in known) return known[name]
  if (field.format === 'did') return member.did
  if (field.format === 'datetime') return '2026-11-23T10:00:00Z'
  if (field.knownValues) return field.knownValues[0]
  if (field.type === 'array') return []
  if (field.type === 'boolean') return false
  if (field.type === 'integer') return field.maximum ?? 1
  return field.type === 'string' ? 'xxx' : {}
}
