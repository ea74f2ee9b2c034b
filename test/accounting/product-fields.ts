import { readFileSync, readdirSync } from 'node:fs'
import { shownAs } from './lexicon-path.ts'

/** What became of a field of the product document: the field of a record that carries it, the rule
 *  that computes it (and the view that shows it), or why there is none. */
export type Account =
  | { readonly record: string; readonly field: string }
  | { readonly rule: string; readonly view?: string }
  | { readonly none: string }

/** A field of the product document: its line, its name, and its class (`domain.md` §0.3). */
export type Field = readonly [line: number, name: string, kind: 'A' | 'D' | 'S' | 'K']

/** One schema of the product document with what became of its fields. */
export type Table = {
  readonly id: string
  readonly title: string
  readonly fields: readonly Field[]
  readonly accounts: Readonly<Record<string, Account>>
  /** Fields whose records or figures do not exist yet. */
  readonly later: readonly string[]
}

const FOLDER = 'src/appview/collections/accounting'

/** Every schema that is accounted for, as the files beside the collections say it. */
export function productTables(): Table[] {
  type Schemas = Record<string, { title: string; fields: Field[] }>
  const files = readdirSync(FOLDER)
  const later = read<Record<string, string[]>>('later.json')
  return Object.entries(read<Schemas>('product-fields.json')).map(([id, { title, fields }]) => {
    const file = files.find((name) => name.startsWith(`${id.toLowerCase().replace('.', '')}-`))
    const accounts = file === undefined ? {} : read<Table['accounts']>(file)
    return { id, title, fields, accounts, later: later[id] ?? [] }
  })
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')) as T
}

const INTRO = [
  '# The fields of the product document\n\n',
  'Where each field of the product document went: the line it stands on there, its class ',
  '(A authored,\nD derived, S set by the node, K secret), and what carries it. ',
  `Made from \`${FOLDER}/\`;\n\`npx vitest run product-fields -u\` makes it anew.\n`,
].join('')

/** The text of docs/collections.md. */
export function collectionsPage(tables: readonly Table[]): string {
  const sections = tables.map(({ title, fields, accounts }) => {
    const rows = fields.map(([line, name, kind]) => [
      String(line),
      `\`${name}\``,
      kind,
      told(accounts[name]),
    ])
    return `## ${title}\n\n${markdown([['Line', 'Field', 'Class', 'Carried by'], ...rows])}`
  })
  return `${[INTRO, ...sections].join('\n').trimEnd()}\n`
}

function told(account: Account | undefined): string {
  if (account === undefined) return 'not yet'
  if ('none' in account) return `no field: ${account.none}`
  if ('rule' in account)
    return account.rule + (account.view === undefined ? '' : `, shown as \`${account.view}\``)
  const view = shownAs(account.record, account.field)
  return `\`${account.record}\` \`${account.field}\`${view ? ', shown' : ''}`
}

/** A table whose columns are as wide as their widest cell, as the formatter wants it. */
function markdown(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, n) => cell.padEnd(widths[n]!)).join(' | ')} |\n`
  const rule = widths.map((width) => '-'.repeat(width))
  return rows.flatMap((row, n) => (n === 0 ? [line(row), line(rule)] : [line(row)])).join('')
}
