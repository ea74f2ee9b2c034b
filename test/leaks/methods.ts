import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { encodeCursor } from '../../src/appview/serve-list.ts'
import { type Asker, ask, severally } from './ask.ts'
import type { Seen, Sentinels } from './sentinels.ts'
import type { Kept } from './write-everything.ts'

type Field = {
  type: string
  format?: string
  knownValues?: string[]
  maximum?: number
  items?: Field
}
type Fields = { required?: string[]; properties?: Record<string, Field> }

/** A method as its lexicon describes it. */
export type Method = {
  readonly nsid: string
  readonly kind: 'query' | 'procedure' | 'subscription'
  readonly fields: Fields
}

/** Every method of the registry, that of permissioned repos included. */
export function allMethods(): Method[] {
  const folders = readdirSync('lexicons').filter((name) => name.startsWith('co.kendev.'))
  const files = [...folders.map((name) => join('lexicons', name)), 'src/permissioned/lexicons']
  return files
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .flatMap((path) => {
      const { id, defs } = JSON.parse(readFileSync(path, 'utf8')) as {
        id: string
        defs: { main?: { type: string; parameters?: Fields; input?: { schema?: Fields } } }
      }
      const { type = '', parameters, input } = defs.main ?? {}
      if (!['query', 'procedure', 'subscription'].includes(type)) return []
      const fields = (type === 'procedure' ? input?.schema : parameters) ?? {}
      return [{ nsid: id, kind: type as Method['kind'], fields }]
    })
}

/** What a caller may know and ask about: where records stand, and in whose name. */
export type Anchor = {
  readonly space: string
  readonly handle: string
  readonly audience: string
  readonly record: Kept
  readonly member: string
  /** Words to search for. */
  readonly words: readonly string[]
}

/** Everything a method can be asked with about these records, each question once. */
export function questions(method: Method, anchors: readonly Anchor[]): Record<string, unknown>[] {
  const { required = [], properties = {} } = method.fields
  const asked = new Map<string, Record<string, unknown>>()
  const names = Object.keys(properties)
  const places = new Set<string>()
  for (const [n, anchor] of anchors.entries()) {
    const { place } = anchor.record
    const isNew = !places.has(place)
    places.add(place)
    const byRecord = names.some((name) => BY_RECORD.includes(name))
    if (byRecord ? !concerns(method, anchor, n) : !isNew) continue
    const values = (name: string) => valuesFor(method, anchor, name, properties[name]!)
    const base = Object.fromEntries(
      // A stream is listened to from its beginning.
      [
        ...required,
        ...(method.kind === 'subscription' ? names.filter((n) => n === 'cursor') : []),
      ].map((name) => [name, values(name)[0]]),
    )
    // Each parameter of a query is tried once for every place, and addresses for every record.
    const isQuery = method.kind !== 'procedure'
    const tried = isNew && isQuery ? names : names.filter((name) => name === 'uri')
    const all = [...tried.flatMap((name) => values(name).map((value) => ({ [name]: value }))), {}]
    for (const one of all) {
      const question = { ...base, ...one }
      asked.set(JSON.stringify(question), question)
    }
  }
  return [...asked.values()]
}

/** A place in a list after all that will ever be in it. */
const CURSOR = encodeCursor('2100-01-01T00:00:00.000Z', 'at://zzz')
const BY_RECORD = ['uri', 'subject', 'parent', 'thread', 'rkey', 'cid', 'record']

/** Records are asked for through the methods about their kind, and a few through all others. */
function concerns({ nsid }: Method, { record }: Anchor, n: number): boolean {
  const kind = record.collection.split('.').at(-1)!.toLowerCase()
  const method = nsid.split('.').at(-1)!.toLowerCase()
  const general = method.endsWith('record') && nsid.startsWith('com.atproto.')
  const thread = kind === 'message' && method.includes('thread')
  return general || method.includes(kind) || thread || n < 2
}

function valuesFor({ nsid, kind }: Method, anchor: Anchor, name: string, field: Field): unknown[] {
  const { record, space, member, words } = anchor
  const path = `${record.collection}/${record.rkey}`
  const uris = [`at://${record.author}/${path}`, `${record.place}/${record.author}/${path}`]
  const known: Record<string, unknown[]> = {
    space: nsid.startsWith('com.atproto.') ? [record.place] : [space, ...handles(field, anchor)],
    uri: uris,
    subject: nsid.endsWith('.addReaction') ? [{ uri: uris[0], cid: record.cid }] : uris,
    parent: uris,
    thread: uris,
    channel: uris,
    actor: [space, anchor.handle],
    actors: [[space, member]],
    cid: [record.cid],
    collection: [record.collection],
    rkey: [record.rkey],
    q: [...words],
    member: [member],
    audience: ['members', 'staff', 'managers'],
    record: [{ $type: record.collection, createdAt: '2026-11-23T10:00:00Z', name: 'x', text: 'x' }],
    writes: [[{ $type: 'com.atproto.space.applyWrites#delete', ...keyOf(record) }]],
    spaceType: [record.place.split('/')[4]],
    authority: [space],
    skey: [anchor.audience],
    service: [`${member}#atproto_pds`],
    text: ['a stranger says'],
    emoji: ['🔧'],
    cursor: field.type === 'integer' ? [0] : [CURSOR],
  }
  if (known[name]) return known[name]
  if (field.format === 'did') return [record.author, member]
  if (field.format === 'datetime') return ['2026-11-23T10:00:00Z']
  if (field.knownValues) return kind === 'query' ? field.knownValues : [field.knownValues[0]]
  if (field.type === 'array') return [[]]
  if (field.type === 'boolean') return [false, true]
  if (field.type === 'integer') return [field.maximum ?? 1]
  return field.type === 'string' ? ['x'] : [{}]
}

function handles(field: Field, { handle }: Anchor): string[] {
  return field.format === 'at-identifier' ? [handle] : []
}

function keyOf({ collection, rkey }: Kept): object {
  return { collection, rkey }
}

/** Asks everything of every method; what was answered, and which methods were. */
export async function askEverything(
  asker: Asker,
  methods: readonly Method[],
  anchors: readonly Anchor[],
): Promise<Seen[]> {
  const jobs = methods
    .filter(({ kind }) => kind !== 'subscription')
    .flatMap((method) => questions(method, anchors).map((question) => ({ method, question })))
  return severally(jobs, ({ method: { nsid, kind }, question }) =>
    kind === 'query'
      ? ask(asker, `/xrpc/${nsid}?${queryOf(question)}`)
      : ask(asker, `/xrpc/${nsid}`, { body: question }),
  )
}

function queryOf(question: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(question))
    for (const one of [value].flat()) query.append(name, String(one))
  return String(query)
}

/** What a caller could ask about all that was written. */
export function anchorsOf(
  kept: readonly Kept[],
  about: { handles: ReadonlyMap<string, string>; member: string; sentinels: Sentinels },
): Anchor[] {
  return kept.map((record) => {
    const [space = '', , , audience = ''] = record.place.slice('at://'.length).split('/')
    const { all } = about.sentinels
    const words = all.filter(({ place }) => place === record.place).slice(0, 2)
    const handle = about.handles.get(space) ?? space
    const { member } = about
    return { space, handle, audience, record, member, words: words.map(({ text }) => text) }
  })
}
