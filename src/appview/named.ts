import type { Collection } from './define.ts'

/** The accounts a row names beside its author: members, spaces, customers, people shown with it. */
export function namedIn(c: Collection, row: Readonly<Record<string, unknown>>): string[] {
  const dids = Object.entries(c.columns).flatMap(([name, { names }]) =>
    names === 'account' ? [name] : [],
  )
  return [...dids, ...c.people]
    .flatMap((name) => row[name])
    .filter((did): did is string => typeof did === 'string' && did !== row['did'])
}
