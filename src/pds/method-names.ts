import { readdir } from 'node:fs/promises'

/** The names of all methods and records that the PDS package has lexicons of, its own and those it
 *  passes on; empty when the package keeps them elsewhere. */
export async function packageNames(): Promise<ReadonlySet<string>> {
  const folder = new URL('./lexicons/', import.meta.resolve('@atproto/pds'))
  const files = await readdir(folder, { recursive: true }).catch(() => [])
  const names = files.flatMap((path) => {
    const name = /^((?:\w+\/){3}\w+)\.js$/.exec(path)?.[1]
    return name ? name.replaceAll('/', '.') : []
  })
  return new Set(names)
}
