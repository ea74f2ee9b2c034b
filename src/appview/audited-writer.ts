import {
  type Acting,
  type Act,
  type Kept,
  type RecordAt,
  cidOf,
  noting,
  versionsOf,
} from './act.ts'
import type { RepoWriter } from './own-record.ts'

/** What an audited write needs. */
export type Auditing = Pick<Acting, 'sql' | 'outbox' | 'clock' | 'nextTid' | 'versions' | 'writer'>

type Change = { did: string; collection: string; rkey: string; place?: string }

/** A writer for what somebody does in the name of an account: each record that it changes brings an
 *  audit event of that account, also when the process ends in between, as `act` does. */
export function auditedWriter(a: Auditing, by: Act['by']): RepoWriter {
  const { writer } = a
  const noted = async (
    changes: readonly (Change & { record?: Record<string, unknown> })[],
  ): Promise<Kept[]> => {
    const all = await Promise.all(
      changes.map(async ({ record, place = '', ...key }) => {
        const { did, collection, rkey } = key
        const at: RecordAt = { did, collection, rkey, place }
        const before = await a.versions.cidOf(at)
        const after = record && (await cidOf(record))
        return { at, by, before, after }
      }),
    )
    return all
      .filter(({ before, after }) => before !== after)
      .map(({ at, before, after }) => ({ at, by, ...versionsOf({ before, after }) }))
  }
  return {
    head: (at) => writer.head(at),
    createAll: (w) => writer.createAll(w),
    putRecord: async (w) => noting(a, await noted([w]), () => writer.putRecord(w)),
    deleteRecord: async ({ ...w }) => noting(a, await noted([w]), () => writer.deleteRecord(w)),
    putAll: async (w) => {
      const { did, place = '' } = w
      const changes = await noted(w.puts.map((one) => ({ ...one, did, place })))
      return noting(a, changes, () => writer.putAll(w))
    },
  }
}
