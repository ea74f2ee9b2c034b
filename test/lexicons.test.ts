import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemas } from '@atproto/api'
import { expect, test } from 'vitest'

/** As much of the lexicon language as the rules below look at. */
type Schema = {
  readonly type: string
  readonly description?: string
  readonly format?: string
  readonly const?: unknown
  readonly enum?: unknown
  readonly default?: unknown
  readonly closed?: boolean
  readonly ref?: string
  readonly refs?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxGraphemes?: number
  readonly maxSize?: number
  readonly accept?: readonly string[]
  readonly knownValues?: readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly record?: Schema
  readonly parameters?: Schema
  readonly input?: Body
  readonly output?: Body
  readonly message?: { readonly schema: Schema }
  readonly errors?: readonly { readonly name: string; readonly description?: string }[]
}
type Body = { readonly encoding: string; readonly schema?: Schema }
type Document = { readonly id: string; readonly defs: Readonly<Record<string, Schema>> }
type Node = { readonly at: string; readonly name: string; readonly schema: Schema }

const folder = join(import.meta.dirname, '../lexicons')
const paths = globSync('**/*.json', { cwd: folder }).toSorted()
const files = paths.map((path) => {
  const text = readFileSync(join(folder, path), 'utf8')
  return { path, text, document: JSON.parse(text) as Document }
})
const definitions = new Map<string, Schema>(
  files.flatMap(({ document }) =>
    Object.entries(document.defs).map(
      ([name, schema]) => [`${document.id}#${name}`, schema] as const,
    ),
  ),
)

const ours = files.filter(({ document }) => document.id.startsWith('co.kendev.'))
const defs: Node[] = ours.flatMap(({ document }) =>
  Object.entries(document.defs).map(([name, schema]) => ({
    at: `${document.id}#${name}`,
    name: name === 'main' ? lastWord(document.id) : name,
    schema,
  })),
)
const nodes = defs.flatMap((def) => [...walk(def)])
const methods = defs.filter(({ schema }) => ['query', 'procedure'].includes(schema.type))
const records = defs.filter(({ schema }) => schema.type === 'record')
const inRecords = records.flatMap((record) => [...reach(record, new Set())])

/** Names that say enough, so that a description would only repeat them. */
const plain = new Set(
  `name title description text question caption slug did handle space channel uri tags file blob
  createdAt updatedAt dueAt displayName firstName lastName value enabled type kind unit status price
  priority industry companySize currency rkey sizes items entries options series values authors
  position count channelCount maxParticipants subscriptionTiers attachments notFound record
  department interval tag keywords`.split(/\s+/),
)

/** Fields that a node works out, which would go stale or lie if an author signed them. */
const derived = new Set(
  `indexedAt handle stats memberCount messageCount channelCount lastMessageAt lastActivity viewer
  reactions replyCount threadRoot edited readBy businessIntelligence metrics analytics karma
  hasVariants effectivePrice primaryImage commissionTemplate currentStock
  engagementScore leadScore`.split(/\s+/),
)

test('every lexicon lies where its id says', () => {
  const misplaced = files.filter(({ path, document }) => {
    const [area, name, ...rest] = path.replace(/\.json$/, '').split('/')
    return rest.length > 0 || `${area}.${name}` !== document.id
  })
  expect(misplaced.map(({ path }) => path)).toEqual([])
  expect(ours.length).toBeGreaterThan(0)
})

test('every reference leads to a definition', () => {
  expect(broken(nodes, (node) => targets(node).every((target) => definitions.has(target)))).toEqual(
    [],
  )
})

test('names of lexicons, definitions and fields are lowerCamelCase', () => {
  expect(broken(nodes, ({ name }) => /^[a-z][a-zA-Z0-9]*$/.test(name))).toEqual([])
})

test('every definition is described', () => {
  expect(broken(defs, ({ schema }) => isText(schema.description))).toEqual([])
})

test('every field whose meaning is not its name is described, by itself or by its type', () => {
  const fields = nodes.flatMap(({ at, schema }) =>
    Object.entries(schema.properties ?? {}).map(([name, field]) => ({
      at: `${at}.${name}`,
      name,
      schema: field,
    })),
  )
  const isDescribed = ({ schema }: Node): boolean =>
    isText(schema.description) ||
    [schema.type, schema.items?.type].some((type) => type === 'ref' || type === 'union')
  expect(broken(fields, (field) => plain.has(field.name) || isDescribed(field))).toEqual([])
})

test('every string has a format, a fixed value or a limit in bytes', () => {
  const isBound = ({ schema }: Node): boolean =>
    isText(schema.format) !== (schema.maxLength !== undefined || schema.const !== undefined)
  expect(broken(ofType('string'), isBound)).toEqual([])
})

test('text for people has 10 to 20 bytes for each character it may have', () => {
  const isRoomy = ({ schema: { maxGraphemes: most, maxLength: bytes = 0 } }: Node): boolean =>
    most === undefined || (bytes >= most * 10 && bytes <= most * 20)
  expect(broken(ofType('string'), isRoomy)).toEqual([])
})

test('every array has a limit, and every blob of a record its kinds and a limit in bytes', () => {
  expect(broken(ofType('array'), ({ schema }) => schema.maxLength !== undefined)).toEqual([])
  const blobs = inRecords.filter(({ schema }) => schema.type === 'blob')
  expect(broken(blobs, ({ schema }) => !!schema.maxSize && !!schema.accept?.length)).toEqual([])
})

test('nothing is closed to later additions', () => {
  expect(broken(nodes, ({ schema }) => schema.enum === undefined && !schema.closed)).toEqual([])
})

test('known values are listed once', () => {
  const isSet = ({ schema: { knownValues: values = [] } }: Node): boolean =>
    new Set(values).size === values.length
  expect(broken(ofType('string'), isSet)).toEqual([])
})

test('numbers are integers', () => {
  expect(broken(nodes, ({ schema }) => !['number', 'float'].includes(schema.type))).toEqual([])
  const numbers = ours.flatMap(({ path, text }) =>
    [...text.matchAll(/:\s*(-?\d+[.eE][^,\s]*)/g)].map(([, number]) => `${path}: ${number}`),
  )
  expect(numbers).toEqual([])
})

test('records are referred to by plain strings, which hold permissioned addresses too', () => {
  expect(broken(ofType('string'), ({ schema }) => schema.format !== 'at-uri')).toEqual([])
  expect(
    broken(nodes, (node) => !targets(node).some((t) => t.startsWith('com.atproto.repo.strongRef'))),
  ).toEqual([])
})

test('records hold nothing of unknown shape and nothing that a node derives', () => {
  expect(broken(inRecords, ({ schema }) => schema.type !== 'unknown')).toEqual([])
  expect(broken(inRecords, ({ name }) => !derived.has(name))).toEqual([])
})

test('every record has a view and a method that gets it', () => {
  const isServed = ({ at, name }: Node): boolean => {
    const area = at.slice(0, at.lastIndexOf('.'))
    const getter = `get${name.charAt(0).toUpperCase()}${name.slice(1)}`
    return definitions.has(`${area}.defs#${name}View`) && definitions.has(`${area}.${getter}#main`)
  }
  expect(broken(records, isServed)).toEqual([])
})

test('every method says what it answers and how it fails', () => {
  const failing = defs.filter(({ schema }) =>
    ['query', 'procedure', 'subscription'].includes(schema.type),
  )
  const saysErrors = ({ schema: { errors = [] } }: Node): boolean =>
    errors.length > 0 &&
    errors.every((e) => /^[A-Z][a-zA-Z0-9]*$/.test(e.name) && isText(e.description))
  expect(broken(failing, saysErrors)).toEqual([])
  expect(broken(methods, ({ schema }) => isText(schema.output?.encoding))).toEqual([])
})

test('every list comes in pages of 1 to 100, 50 unless told', () => {
  const lists = methods.filter(({ name }) => /^(list|search)[A-Z]/.test(name))
  const isPaged = ({ schema }: Node): boolean => {
    const { limit, cursor } = schema.parameters?.properties ?? {}
    const page = schema.output?.schema
    return (
      [limit?.minimum, limit?.maximum, limit?.default].join() === '1,100,50' &&
      cursor?.type === 'string' &&
      Object.keys(page?.properties ?? {})
        .toSorted()
        .join() === 'cursor,items' &&
      page?.required?.join() === 'items'
    )
  }
  expect(broken(lists, isPaged)).toEqual([])
})

test('every get answers with the view itself, unless it is a file, in pages or of several', () => {
  const gets = methods.filter(({ name }) => /^get[A-Z]/.test(name))
  const isView = ({ schema: { output } }: Node): boolean => {
    const parts = Object.keys(output?.schema?.properties ?? {})
    const isOther =
      parts.includes('items') || parts.includes('cursor') || output?.encoding !== 'application/json'
    return isOther || /#[a-zA-Z]+View$/.test(output?.schema?.ref ?? '')
  }
  expect(broken(gets, isView)).toEqual([])
})

test('facets are the ones that Bluesky clients know', () => {
  const id = 'app.bsky.richtext.facet'
  const known = schemas.find((schema) => schema.id === id)
  const vendored = files.find(({ document }) => document.id === id)?.document
  expect(vendored).toEqual(JSON.parse(JSON.stringify(known).replaceAll(`"lex:${id}#`, '"#')))
})

function* walk({ at, name, schema }: Node): Generator<Node> {
  yield { at, name, schema }
  const below: (readonly [string, Schema | undefined])[] = [
    ...Object.entries(schema.properties ?? {}),
    ...(['record', 'parameters', 'items'] as const).map((part) => [part, schema[part]] as const),
    ...(['input', 'output', 'message'] as const).map(
      (part) => [part, schema[part]?.schema] as const,
    ),
  ]
  for (const [part, child] of below) {
    if (child) yield* walk({ at: `${at}.${part}`, name: part, schema: child })
  }
}

/** The node and all below it, through references as well. */
function* reach(start: Node, seen: Set<string>): Generator<Node> {
  for (const node of walk(start)) {
    yield node
    for (const target of targets(node)) {
      const schema = definitions.get(target)
      if (!schema || seen.has(target)) continue
      seen.add(target)
      yield* reach({ at: `${start.at} > ${target}`, name: node.name, schema }, seen)
    }
  }
}

function targets({ at, schema }: Node): string[] {
  const own = at.split(' > ').at(-1)?.split('#')[0] ?? ''
  return [...(schema.refs ?? []), ...(schema.ref ? [schema.ref] : [])].map((ref) => {
    if (ref.startsWith('#')) return own + ref
    return ref.includes('#') ? ref : `${ref}#main`
  })
}

function ofType(type: string): Node[] {
  return nodes.filter(({ schema }) => schema.type === type)
}

function broken(among: readonly Node[], isKept: (node: Node) => boolean): string[] {
  return among.filter((node) => !isKept(node)).map(({ at }) => at)
}

function lastWord(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1)
}

function isText(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== ''
}
