import { globSync, readFileSync } from 'node:fs'

type Schema = {
  readonly type: string
  readonly ref?: string
  readonly items?: Schema
  readonly record?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

const definitions = new Map<string, Schema>(
  globSync('lexicons/**/*.json').flatMap((path) => {
    const { id, defs } = JSON.parse(readFileSync(path, 'utf8')) as {
      id: string
      defs: Record<string, Schema>
    }
    return Object.entries(defs).map(([name, schema]) => [`${id}#${name}`, schema] as const)
  }),
)

/** Whether the definition has a field at the end of a path like `theme.logo` or `tiers[].name`. */
export function hasField(definition: string, path: string): boolean {
  let at = definitions.get(definition)
  let base = definition
  const step = (schema: Schema | undefined): Schema | undefined => {
    if (schema?.type !== 'ref') return schema
    const target = schema.ref!.startsWith('#') ? base.split('#')[0]! + schema.ref! : schema.ref!
    base = target.includes('#') ? target : `${target}#main`
    return definitions.get(base)
  }
  for (const part of path.split('.')) {
    const name = part.replace(/\[\]$/, '')
    at = step((at?.record ?? at)?.properties?.[name])
    if (part !== name) at = step(at?.items)
  }
  return at !== undefined
}

/** The view of a record, where it shows this field under the same name. */
export function shownAs(record: string, path: string): string | undefined {
  const dot = record.lastIndexOf('.')
  const view = `${record.slice(0, dot)}.defs#${record.slice(dot + 1)}View`
  return hasField(view, path) ? `${view}.${path}` : undefined
}
