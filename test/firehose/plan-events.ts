import type {
  AccountEvent,
  CommitEvent,
  FirehoseEvent,
  RecordWrite,
  SyncEvent,
} from '../../src/firehose/event.ts'
import { type Standing, unknownStanding } from '../../src/firehose/standing.ts'

export const NOW = new Date('2026-11-23T12:00:00Z')
export const PDS = 'https://pds.example.net'
export const did = 'did:plc:ada'
const time = NOW.toISOString()

/** An account whose repo is at its second commit. */
export const held: Standing = { ...unknownStanding(did), rev: 'r2', data: 'd2', pds: PDS }

const write: RecordWrite = {
  action: 'create',
  did,
  collection: 'app.example.note',
  rkey: 'a',
  cid: 'bafya',
  bytes: new Uint8Array(),
}

/** The n-th commit of the account, following on the one before. */
export const commit = (n: number, news: Partial<CommitEvent> = {}): CommitEvent => ({
  kind: 'commit',
  seq: n,
  did,
  time,
  rev: `r${n}`,
  since: `r${n - 1}`,
  data: `d${n}`,
  prevData: `d${n - 1}`,
  writes: [write],
  ...news,
})

export const sync = (rev: string, data: string): SyncEvent => {
  return { kind: 'sync', seq: 9, did, rev, data, time }
}

/** That the account is active, or has this status instead. */
export const account = (status?: string): AccountEvent => {
  const told = status === undefined ? { active: true } : { active: false, status }
  return { kind: 'account', seq: 9, did, time, ...told }
}

export const identity = (pds?: string, handle?: string): FirehoseEvent => {
  return { kind: 'identity', seq: 9, did, time, ...(pds && { pds }), ...(handle && { handle }) }
}

export const refused = (moved: boolean): FirehoseEvent => {
  const frame = new Uint8Array([1])
  return { kind: 'refused', seq: 9, did, reason: 'BadTree', detail: 'a', frame, time, moved }
}

export const lost = (reason: string): FirehoseEvent => ({ kind: 'lost', seq: 9, did, reason, time })
