import type { TestNode } from '../network.ts'
import type { Person } from '../person.ts'
import { type Asker, listen } from './ask.ts'
import { type Anchor, type Method, questions } from './methods.ts'
import type { Seen } from './sentinels.ts'

/** Everything that a listener is sent by every subscription of the registry, from the beginning and
 *  while something is going on. */
export async function listenToAll(
  who: (nsid: string) => Promise<Asker> | Asker,
  methods: readonly Method[],
  anchors: readonly Anchor[],
  during: () => Promise<unknown>,
): Promise<Seen[]> {
  const all = methods
    .filter(({ kind }) => kind === 'subscription')
    .flatMap((method) =>
      questions(method, anchors).map((question) => ({ nsid: method.nsid, question })),
    )
  const seen = await Promise.all(
    all.map(async ({ nsid, question }) => {
      const query = String(new URLSearchParams(question as Record<string, string>))
      return listen(await who(nsid), `/xrpc/${nsid}?${query}`, { during })
    }),
  )
  return seen.flat()
}

/** Somebody with an account elsewhere, who calls with a token that their PDS makes for a method. */
export async function remoteAsker(
  name: string,
  who: Person,
  { node, nsid }: { node: TestNode; nsid: string },
): Promise<Asker> {
  const asked = { aud: node.did, lxm: nsid }
  const { token } = await who.get<{ token: string }>('com.atproto.server.getServiceAuth', asked)
  return { name, origin: node.url, headers: { authorization: `Bearer ${token}` } }
}
