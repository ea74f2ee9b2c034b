import type { Log } from '../log.ts'
import type { HostRow } from './store.ts'

/** Which hosts' lists are being read. */
export type Lists = {
  /** Reads a host's list in the background; once more when it is being read already and `anew`. */
  read(row: HostRow): void
  /** Settles when nothing is being read. */
  idle(): Promise<void>
}

/** Sees to it that each host's list is read by one reader at a time. */
export function createLists(options: {
  /** Reads the list; how far it is, is noted by it. Rejects when it cannot go on. */
  list: (row: HostRow) => Promise<void>
  log: Log
}): Lists {
  const { list, log } = options
  const reading = new Map<
    string,
    { row: HostRow; next: HostRow | undefined; done: Promise<void> }
  >()

  async function run(host: string): Promise<void> {
    for (let entry = reading.get(host); entry; entry = reading.get(host)) {
      await list(entry.row).catch((err: unknown) => log.error({ host, err }, 'not listed'))
      if (entry.next === undefined) reading.delete(host)
      else Object.assign(entry, { row: entry.next, next: undefined })
    }
  }

  return {
    read(row) {
      const entry = reading.get(row.host)
      if (entry) {
        // A list that begins at its beginning again has nothing to do with the one being read.
        if (row.listing.cursor === null && entry.row !== row) entry.next = row
        return
      }
      const begun = { row, next: undefined, done: Promise.resolve() }
      reading.set(row.host, begun)
      begun.done = run(row.host)
    },
    async idle() {
      await Promise.all([...reading.values()].map(({ done }) => done))
    },
  }
}
