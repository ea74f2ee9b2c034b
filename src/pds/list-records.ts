import { type PDS } from '@atproto/pds'
import { AtUri } from '@atproto/syntax'

/** A public record of an account hosted here. */
export type ListedRecord = {
  readonly rkey: string
  readonly value: Readonly<Record<string, unknown>>
}

/** Public records of an account hosted here, in the order of their keys, behind `after` and with
 *  keys that begin with `prefix`; none for other accounts. */
export async function listRecords(
  pds: PDS,
  of: { did: string; collection: string; prefix: string; after: string; limit: number },
): Promise<ListedRecord[]> {
  const { did, collection, prefix, after, limit } = of
  if (!(await pds.ctx.actorStore.exists(did))) return []
  const found = await pds.ctx.actorStore.read(did as never, ({ record }) =>
    record.listRecordsForCollection({
      collection: collection as never,
      limit,
      reverse: true,
      rkeyStart: after,
      // No key has a letter behind this one.
      rkeyEnd: `${prefix}~~`,
    }),
  )
  return found
    .map(({ uri, value }) => ({ rkey: new AtUri(uri).rkey, value: value as never }))
    .filter(({ rkey }) => rkey.startsWith(prefix))
}
