import type { FirehoseEvent, RecordWrite } from '../../src/firehose/event.ts'
import type { Batch, SyncStore } from '../../src/firehose/store.ts'

/** A call of the store in one line, for the account of a run. */
export function tellOf(call: keyof SyncStore, args: readonly unknown[]): string {
  if (call === 'apply') {
    const { host, events, cursor } = args[0] as Batch
    return `  apply ${host} up to ${cursor}: ${events.map(tellEvent).join(', ')}`
  }
  if (call === 'resyncPage') {
    const [did, rev, writes] = args as [string, string, RecordWrite[]]
    return `  resyncPage ${did} at ${rev}: ${writes.length}`
  }
  return `  ${call} ${args.map((arg) => JSON.stringify(arg) ?? '').join(' ')}`.slice(0, 300)
}

function tellEvent(event: FirehoseEvent): string {
  const { kind, did } = event
  if (kind === 'commit' || kind === 'sync') return `${kind} ${did} ${event.rev}`
  if (kind === 'refused') return `${event.reason}${event.moved ? ' moved' : ''} ${did}`
  if (kind === 'account') return `${kind} ${did} ${event.status ?? 'active'}`
  return `${kind} ${did}`
}
