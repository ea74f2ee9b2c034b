import { readFileSync } from 'node:fs'

type Def = {
  type: string
  ref?: string
  refs?: string[]
  items?: Def
  properties?: Record<string, Def>
  required?: string[]
  record?: Def
  format?: string
  knownValues?: string[]
  enum?: string[]
  const?: unknown
  minimum?: number
}
type Value = unknown
/** Makes a text that may stand in a field. */
type Make = (field: string) => string

const docs = new Map<string, Record<string, Def>>()

/** A record of a collection in which every field of free text, also those that the example leaves
 *  out, holds a text of its own; `fits` says whether a record could be written as it is. */
export function filledRecord(
  nsid: string,
  example: Readonly<Record<string, unknown>>,
  { make, fits }: { make: Make; fits: (record: Record<string, unknown>) => boolean },
): Record<string, unknown> {
  const main = defOf(`${nsid}#main`, nsid)
  const properties = main.record?.properties ?? {}
  let record = { ...example } as Record<string, unknown>
  for (const [name, def] of Object.entries(properties)) {
    const value = fill(def, record[name], { nsid, field: `${nsid} ${name}`, make, deep: 0 })
    if (value === undefined) continue
    const next = { ...record, [name]: value }
    if (fits(next)) record = next
  }
  return record
}

type At = { nsid: string; field: string; make: Make; deep: number }

const DEEP_MAX = 5

/** Undefined when no value can be made up and there is none. */
function fill(def: Def, given: Value, at: At): Value {
  if (at.deep > DEEP_MAX) return given
  const deeper = { ...at, deep: at.deep + 1 }
  if (def.type === 'ref') return fill(defOf(def.ref!, at.nsid), given, within(def.ref!, deeper))
  if (def.type === 'union') return fillUnion(def, given, deeper)
  if (def.type === 'array') return fillArray(def, given, deeper)
  if (def.type === 'object') return fillObject(def, given, deeper)
  if (def.type === 'string') return isFree(def) ? at.make(at.field) : (given ?? anyOf(def))
  if (def.type === 'integer') return given ?? def.minimum ?? 1
  if (def.type === 'boolean') return given ?? false
  return given
}

function isFree({ format, knownValues, enum: values, const: fixed }: Def): boolean {
  return !format && !knownValues && !values && fixed === undefined
}

function anyOf({ knownValues, enum: values, format }: Def): string | undefined {
  if (format === 'datetime') return '2026-11-23T10:00:00Z'
  if (format === 'uri') return 'https://example.com/'
  return knownValues?.[0] ?? values?.[0]
}

function fillArray(def: Def, given: Value, at: At): Value {
  const items = Array.isArray(given) && given.length > 0 ? (given as Value[]) : [undefined]
  const filled = items.map((item) => fill(def.items!, item, at)).filter((v) => v !== undefined)
  return filled.length > 0 ? filled : given
}

function fillUnion(def: Def, given: Value, at: At): Value {
  const type = (given as { $type?: string } | undefined)?.$type
  const ref = type ?? def.refs?.[0]
  if (ref === undefined) return given
  const value = fill(defOf(ref, at.nsid), given, within(ref, at))
  return value === undefined ? undefined : { ...(value as object), $type: full(ref, at.nsid) }
}

function fillObject(def: Def, given: Value, at: At): Value {
  const made: Record<string, Value> = { ...(given as Record<string, Value> | undefined) }
  for (const [name, part] of Object.entries(def.properties ?? {})) {
    const value = fill(part, made[name], { ...at, field: `${at.field}.${name}` })
    if (value !== undefined) made[name] = value
  }
  const whole = (def.required ?? []).every((name) => made[name] !== undefined)
  return whole ? made : given
}

function full(ref: string, nsid: string): string {
  return ref.startsWith('#') ? `${nsid}${ref}` : ref
}

function within(ref: string, at: At): At {
  return { ...at, nsid: full(ref, at.nsid).split('#')[0]! }
}

function defOf(ref: string, nsid: string): Def {
  const [id = '', name = 'main'] = full(ref, nsid).split('#')
  if (!docs.has(id)) docs.set(id, read(id))
  return docs.get(id)![name] ?? { type: 'unknown' }
}

/** What others declare is not filled. */
function read(id: string): Record<string, Def> {
  const [area, name] = [id.split('.').slice(0, -1).join('.'), id.split('.').at(-1)]
  try {
    const text = readFileSync(`lexicons/${area}/${name}.json`, 'utf8')
    return (JSON.parse(text) as { defs: Record<string, Def> }).defs
  } catch {
    return {}
  }
}
