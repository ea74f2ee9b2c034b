import { type Reply, readerOf } from '../permissioned/space-client.ts'
import type { Person } from '../person.ts'
import type { Seen } from './sentinels.ts'
import type { Kept } from './write-everything.ts'

/** Everything that a space's repos on one node hand out under a person's own credential; undefined
 *  for somebody who is not given one. */
export async function readRaw(
  who: Person,
  at: { home: string; host: string; space: string },
  about: { kept: readonly Kept[]; blobs: readonly { did: string; cid: string }[] },
): Promise<Seen[] | undefined> {
  const { space } = at
  const reader = await readerOf(who, at).catch((error: unknown) => {
    if (String(error).includes('UserNotAuthorized')) return undefined
    throw error
  })
  if (!reader) return undefined
  const seen: Seen[] = []
  const get = async (name: string, params: Record<string, string>, audience: string) => {
    const path = `com.atproto.space.${name}?${String(new URLSearchParams({ space, ...params }))}`
    seen.push(seenOf(path, await reader.get(path, audience)))
  }
  const here = about.kept.filter(({ place }) => place === space)
  const authority = space.slice('at://'.length).split('/')[0]!
  await get('listRepos', {}, authority)
  for (const repo of new Set(about.kept.map(({ author }) => author))) {
    for (const name of ['getRepo', 'listRecords', 'listRepoOps', 'getLatestCommit', 'listBlobs'])
      await get(name, { repo }, repo)
    for (const { cid } of about.blobs.filter(({ did }) => did === repo))
      await get('getBlob', { repo, cid }, repo)
  }
  for (const { author: repo, collection, rkey } of here)
    await get('getRecord', { repo, collection, rkey }, repo)
  return seen
}

function seenOf(path: string, { status, headers, bytes }: Reply): Seen {
  const head = Buffer.from(`${status} ${JSON.stringify(headers)}\n`)
  return { from: path, bytes: Buffer.concat([head, bytes]), asked: decodeURIComponent(path) }
}
