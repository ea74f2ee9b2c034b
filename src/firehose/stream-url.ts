/** Address of `com.atproto.sync.subscribeRepos` at a host, after `cursor` or live without one. */
export function streamUrl(service: string, cursor: number | undefined): URL {
  const url = new URL('/xrpc/com.atproto.sync.subscribeRepos', service)
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (url.protocol === 'https:') url.protocol = 'wss:'
  if (cursor !== undefined) url.searchParams.set('cursor', String(cursor))
  return url
}
