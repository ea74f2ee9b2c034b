import type { Server } from '@atproto/xrpc-server'
import { type Exchange, route } from '../mount.ts'
import type { OwnCaller } from '../own-caller.ts'
import type { RepoReads } from '../../store/repo-reads.ts'
import { parseSpace } from '../../space-ref.ts'
import { nsid } from '../../wire.ts'

type Asked = { spaceType?: string; did?: string; cursor?: string; limit: number }
type Deps = { own: (exchange: Exchange) => Promise<OwnCaller>; reads: RepoReads }

/** `listSpaces`: where the account has written. An OAuth client sees what it may read only. */
export function listSpaces(server: Server, { own: caller, reads }: Deps): void {
  route(server, nsid.listSpaces, {
    caller,
    answer: async ({ input, caller: own }) => {
      const { spaceType: type, did: authority, ...page } = input as Asked
      const who = { did: own.did, ...(type && { type }), ...(authority && { authority }) }
      const { spaces, cursor } = await reads.listSpacesOf({ ...page, ...who })
      const allowed = own.full ? spaces : await readable(own, spaces)
      return { spaces: allowed.map((uri) => ({ uri })), ...(cursor && { cursor }) }
    },
  })
}

async function readable(own: OwnCaller, spaces: readonly string[]): Promise<string[]> {
  const may = await Promise.all(
    spaces.map(async (uri) => {
      const ref = parseSpace(uri)
      return ref !== undefined && own.may('read', ref).then(...YES_OR_NO)
    }),
  )
  return spaces.filter((_, n) => may[n])
}

const YES_OR_NO = [() => true, () => false] as const
