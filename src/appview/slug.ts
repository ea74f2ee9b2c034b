const SLUG = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
const LENGTH_MAX = 128

/** Whether a text can stand in a link: a-z, 0-9 and hyphens between them (`domain.md` N-15). */
export function isSlug(text: string): boolean {
  return text.length <= LENGTH_MAX && SLUG.test(text)
}

/** The slug a title gives (D-26): its Latin letters and digits, accents dropped. A title without
 *  any gives the record's key, so that every record has a slug. */
export function slugFrom(title: string, rkey: string): string {
  const plain = title
    .slice(0, LENGTH_MAX * 4)
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
  const words = plain.match(/[a-z0-9]+/g) ?? []
  const slug = words.join('-').slice(0, LENGTH_MAX).replace(/-$/, '')
  return slug || rkey.toLowerCase().slice(0, LENGTH_MAX)
}
