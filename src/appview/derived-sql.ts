import type { Collection, Derived } from './define.ts'
import { quote, tableName } from './schema.ts'

/** A tally keeps the most frequent values only, or one row could be made to grow for ever. */
const TALLY_MAX = 64

/** The expression for a derived column of the row `p`. */
export function valueSql(d: Derived): string {
  const conditions = [...aboutSql(d), ...onlySql(d), ...countsHereSql(d)].join(' and ')
  const from = `from ${tableName(d.source)} s where ${conditions}`
  switch (d.pick.kind) {
    case 'count':
      return `(select count(*)::int ${from})`
    case 'exists':
      return `exists (select 1 ${from})`
    case 'newest': {
      const [value, by] = [quote(d.pick.value), quote(d.pick.by)]
      return `(select s.${value} ${from} order by s.${by} desc, s."uri" desc limit 1)`
    }
    case 'tally': {
      const [value, once] = [quote(d.pick.value), quote(d.pick.once)]
      const groups = `select s.${value} k, count(distinct s.${once})::int n ${from}
        group by 1 order by 2 desc, 1 limit ${TALLY_MAX}`
      return `coalesce((select jsonb_object_agg(k, n) from (${groups}) g), '{}'::jsonb)`
    }
  }
}

const aboutSql = (d: Derived): string[] =>
  Object.entries(d.on).map(([theirs, ours]) => `s.${quote(theirs)} = p.${quote(ours)}`)

const onlySql = (d: Derived): string[] =>
  Object.entries(d.where ?? {}).map(
    ([name, value]) => `s.${quote(name)} = '${String(value).replaceAll("'", "''")}'`,
  )

const countsHereSql = (d: Derived): string[] => {
  const places = placesOf(d)
  return places === undefined ? [] : [`p."place" = any(s.${places})`]
}

function placesOf({ pick }: Derived): string | undefined {
  return pick.kind === 'exists' && pick.places !== undefined ? quote(pick.places) : undefined
}

/** The statements that bring one derived column of many rows up to date. Each answers the rows that
 *  changed, in the columns of `brief`. */
export type DerivedStatements = {
  /** Moves counts: $1 by how much, from $2 the subjects, a column each. */
  readonly add: string
  /** Computes again whatever is about the subjects of $1 and following, a column each. */
  readonly again: string
  /** Computes again the rows with the uris of $1. */
  readonly againAt: string
}

/** Puts the statements for the column `name` of `parent` together. */
export function derivedStatements(
  parent: Collection,
  name: string,
  brief: readonly string[],
): DerivedStatements {
  const d = parent.derived[name]!
  const table = tableName(parent.table)
  const column = quote(name)
  const ours = Object.values(d.on)
  const about = ours.map((on, n) => `p.${quote(on)} = k.k${n}`).join(' and ')
  const keys = ours.map((_, n) => `k${n}`).join(', ')
  const params = (first: number) => ours.map((_, n) => `$${n + first}::text[]`).join(', ')
  const owner = quote(parent.owner)
  const again = (rows: string) => `update ${table} t set ${column} = v."value"
    from (select p."uri", p.${owner} as "owner", p.${column} as "was", ${valueSql(d)} as "value"
          from ${rows}) v
    where t."uri" = v."uri" and t.${owner} = v."owner" and v."was" is distinct from v."value"
    returning ${brief.map((b) => `t.${quote(b)}`).join(', ')}, v."was"`
  return {
    add: `update ${table} p set ${column} = p.${column} + k."by"
      from unnest($1::int[], ${params(2)}) k("by", ${keys})
      where ${about}
      returning ${brief.map((b) => `p.${quote(b)}`).join(', ')}, p.${column} - k."by" as "was"`,
    again: again(`${table} p join unnest(${params(1)}) k(${keys}) on ${about}`),
    againAt: again(`${table} p where p."uri" = any($1::text[])`),
  }
}

/** Computes derived columns of every row of a table at once. */
export function everyRowSql(c: Collection, names: readonly string[]): string {
  const table = tableName(c.table)
  const owner = quote(c.owner)
  const each = names.map((name, n) => ({ name: quote(name), d: c.derived[name]!, from: `g${n}` }))
  const values = each.map(({ name, d, from }) => `${groupedValue(d, from)} as ${name}`)
  const joins = each.map(({ d, from }) => {
    const about = Object.values(d.on).map((ours, n) => `${from}.k${n} = p.${quote(ours)}`)
    if (placesOf(d) !== undefined) about.push(`${from}."place" = p."place"`)
    return `left join (${groupsSql(d)}) ${from} on ${about.join(' and ')}`
  })
  return `update ${table} t set ${each.map(({ name }) => `${name} = v.${name}`).join(', ')}
    from (select p."uri", p.${owner} as "owner", ${values.join(', ')}
          from ${table} p ${joins.join(' ')}) v
    where t."uri" = v."uri" and t.${owner} = v."owner"
      and (${each.map(({ name }) => `t.${name} is distinct from v.${name}`).join(' or ')})`
}

/** The value of every subject that any source row is about, the same as `valueSql` has it. */
function groupsSql(d: Derived): string {
  const subjects = Object.keys(d.on)
    .map((theirs, n) => `s.${quote(theirs)} as k${n}`)
    .join(', ')
  const keys = Object.keys(d.on)
    .map((_, n) => `k${n}`)
    .join(', ')
  const only = onlySql(d).map((condition) => ` and ${condition}`)
  const rows = `from ${tableName(d.source)} s where true${only.join('')}`
  switch (d.pick.kind) {
    case 'count':
      return `select ${subjects}, count(*)::int as v ${rows} group by ${keys}`
    case 'exists': {
      const places = placesOf(d)
      const each = places === undefined ? '' : `, unnest(s.${places}) as "place"`
      return `select distinct ${subjects}${each}, true as v ${rows}`
    }
    case 'newest': {
      const [value, by] = [quote(d.pick.value), quote(d.pick.by)]
      return `select distinct on (${keys}) ${subjects}, s.${value} as v ${rows}
        order by ${keys}, s.${by} desc, s."uri" desc`
    }
    case 'tally': {
      const [value, once] = [quote(d.pick.value), quote(d.pick.once)]
      const counted = `select ${subjects}, s.${value} as o,
        count(distinct s.${once})::int as n ${rows} group by ${keys}, o`
      const ranked = `select *, row_number() over (partition by ${keys} order by n desc, o) as r
        from (${counted}) c`
      return `select ${keys}, jsonb_object_agg(o, n) as v from (${ranked}) r
        where r <= ${TALLY_MAX} group by ${keys}`
    }
  }
}

function groupedValue({ pick }: Derived, from: string): string {
  if (pick.kind === 'newest') return `${from}.v`
  const none = { count: '0', exists: 'false', tally: `'{}'::jsonb` }[pick.kind]
  return `coalesce(${from}.v, ${none})`
}
