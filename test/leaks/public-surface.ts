import type { TestNode } from '../network.ts'
import { ask, listen, severally } from './ask.ts'
import type { Seen } from './sentinels.ts'
import type { Kept } from './write-everything.ts'

/** All that nodes answer or send to everybody, by the channel it comes through. */
export async function publicSurface(
  nodes: readonly TestNode[],
  kept: readonly Kept[],
  blobs: readonly { did: string; cid: string }[],
): Promise<Map<string, Seen[]>> {
  const channels = new Map<string, Seen[]>()
  for (const [n, node] of nodes.entries()) {
    const asker = { name: `node ${n + 1}`, origin: node.url }
    const get = (path: string) => ask(asker, path)
    const put = async (channel: string, seen: Promise<Seen[]> | Seen[]) =>
      channels.set(channel, [...(channels.get(channel) ?? []), ...(await seen)])
    await put('firehose', listen(asker, '/xrpc/com.atproto.sync.subscribeRepos?cursor=0'))
    await put('labels', listen(asker, '/xrpc/com.atproto.label.subscribeLabels?cursor=0'))
    const dids = await reposOf(node)
    await put('sync', severally(syncPaths(dids, kept, blobs), get))
    await put('repo', severally(await repoPaths(node, dids, kept), get))
    await put('images', severally(imagePaths(blobs), get))
    const plc = { name: 'directory', origin: node.plcUrl }
    await put(
      'directory',
      severally(
        [...dids.flatMap((did) => ['', '/log', '/log/audit'].map((p) => `/${did}${p}`)), '/export'],
        (path) => ask(plc, path),
      ),
    )
    const pages = ['/.well-known/did.json', '/', '/robots.txt', '/xrpc/_health']
    await put('pages', severally(pages, get))
    const admin = { name: `admin of node ${n + 1}`, origin: node.adminUrl! }
    const watched = ['/metrics', '/readyz', '/livez']
    await put(
      'metrics',
      severally(watched, (path) => ask(admin, path)),
    )
  }
  return channels
}

async function reposOf({ url }: TestNode): Promise<string[]> {
  const answer = await fetch(`${url}/xrpc/com.atproto.sync.listRepos?limit=1000`)
  return ((await answer.json()) as { repos: { did: string }[] }).repos.map(({ did }) => did)
}

const query = (nsid: string, params: Record<string, string>) =>
  `/xrpc/${nsid}?${String(new URLSearchParams(params))}`

function syncPaths(
  dids: readonly string[],
  kept: readonly Kept[],
  blobs: readonly { did: string; cid: string }[],
): string[] {
  const sync = (name: string, params: Record<string, string>) =>
    query(`com.atproto.sync.${name}`, params)
  const whole = ['getRepo', 'getLatestCommit', 'getRepoStatus', 'listBlobs', 'getHead']
  const places = ['co.kendev.spaces.message', 'co.kendev.spaces.membership']
  return [
    sync('listRepos', { limit: '1000' }),
    sync('listHosts', {}),
    ...dids.flatMap((did) => [...whole, 'getCheckout'].map((name) => sync(name, { did }))),
    ...kept.map(({ author: did, collection, rkey }) =>
      sync('getRecord', { did, collection, rkey }),
    ),
    ...kept.map(({ author: did, cid: cids }) => sync('getBlocks', { did, cids })),
    ...blobs.map(({ did, cid }) => sync('getBlob', { did, cid })),
    ...places.map((collection) => sync('listReposByCollection', { collection })),
  ]
}

async function repoPaths(
  node: TestNode,
  dids: readonly string[],
  kept: readonly Kept[],
): Promise<string[]> {
  const repo = (name: string, params: Record<string, string>) =>
    query(`com.atproto.repo.${name}`, params)
  const collections = [...new Set(kept.map(({ collection }) => collection))]
  const handles = await severally(dids, async (did) => {
    const answer = await fetch(`${node.url}${repo('describeRepo', { repo: did })}`)
    return ((await answer.json()) as { handle?: string }).handle ?? did
  })
  return [
    ...dids.flatMap((did) => [
      repo('describeRepo', { repo: did }),
      ...collections.map((collection) => repo('listRecords', { repo: did, collection })),
    ]),
    ...kept.map(({ author, collection, rkey }) =>
      repo('getRecord', { repo: author, collection, rkey }),
    ),
    ...handles.map((handle) => query('com.atproto.identity.resolveHandle', { handle })),
    ...handles.map((handle) => query('co.kendev.actor.getProfile', { actor: handle })),
  ]
}

function imagePaths(blobs: readonly { did: string; cid: string }[]): string[] {
  return blobs.flatMap(({ did, cid }) =>
    ['small', 'square', 'large', 'original'].map((size) =>
      query('co.kendev.content.getImage', { did, cid, size }),
    ),
  )
}
