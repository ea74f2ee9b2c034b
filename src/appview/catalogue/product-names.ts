import { isSlug, slugFrom } from '../slug.ts'

const FORMER_MAX = 20
const LENGTH_MAX = 128

/** A product as its names in links are chosen. */
export type Named = {
  readonly title: string
  readonly slug?: string | undefined
  readonly formerSlugs?: readonly string[] | undefined
}

/** The names of a product in links: the one asked for or, for a new product, what its title gives;
 *  the one it had leads to it from now on. `taken` says whether another product has a name, and a
 *  name made of a title steps aside for that. Answers the name that is taken, and one that is free,
 *  when one was asked for that another has. */
export function namesOf(
  wish: Named,
  { rkey, before, taken }: { rkey: string; before?: Named; taken: (slug: string) => boolean },
): { slug: string; formerSlugs: string[] } | { taken: string; free: string } {
  const had = before && (before.slug ?? slugFrom(before.title, rkey))
  const wanted = wish.slug ?? had ?? slugFrom(wish.title, rkey)
  if (wish.slug !== undefined && isSlug(wanted) && taken(wanted))
    return { taken: wanted, free: freeName(wanted, taken) }
  const slug = isSlug(wanted) ? freeName(wanted, taken) : wanted
  const former = [
    ...(had === undefined || had === slug ? [] : [had]),
    ...(before?.formerSlugs ?? []),
  ]
  return {
    slug,
    formerSlugs: [...new Set(former)].filter((name) => name !== slug).slice(0, FORMER_MAX),
  }
}

function freeName(wanted: string, taken: (slug: string) => boolean): string {
  for (let n = 1; ; n++) {
    const end = n === 1 ? '' : `-${n}`
    const name = `${wanted.slice(0, LENGTH_MAX - end.length).replace(/-+$/, '')}${end}`
    if (!taken(name)) return name
  }
}
