import { expect, test } from 'vitest'
import type { SubscriptionState } from '../firehose/subscription-options.ts'
import { createFreshness } from './freshness.ts'
import { lookAtHosts } from './lag.ts'

const own = 'http://localhost:2583'
const other = 'https://pds.example'
const START = Date.parse('2026-11-01T12:00:00Z')

/** Two hosts, an own PDS that has written what `written` says, and a clock to set. */
function hosts(states: { own?: Partial<SubscriptionState>; other?: Partial<SubscriptionState> }) {
  const idle = { connected: true, lastSeq: 0, queued: 0, queuedBytes: 0, lastEventAt: undefined }
  const at = { ms: START }
  const clock = { now: () => new Date(at.ms) }
  const freshness = createFreshness(clock)
  const written: { seq: number; at: Date }[] = []
  const look = async () => {
    const seen = await lookAtHosts({
      hosts: () =>
        new Map([own, other].map((h, i) => [h, { ...idle, ...[states.own, states.other][i] }])),
      ownHost: own,
      ownBacklog: async (seq) => {
        const unread = written.filter((event) => event.seq > seq)
        return { events: unread.length, since: unread[0]?.at }
      },
      freshness,
      clock,
    })
    return new Map(seen.map(({ host, lag }) => [host, lag]))
  }
  const stored = (host: string, cursor: number, time?: number) =>
    freshness.stored({
      host,
      cursor,
      events:
        time === undefined
          ? []
          : [
              {
                kind: 'account',
                seq: cursor,
                did: 'did:plc:a',
                active: true,
                time: new Date(time).toISOString(),
              },
            ],
    })
  return { at, written, look, stored }
}

test('the own PDS is behind by what it has written and the views have not', async () => {
  const { at, written, look, stored } = hosts({ own: { lastSeq: 3 } })
  stored(own, 1)
  written.push({ seq: 1, at: new Date(START) })
  expect((await look()).get(own)).toEqual({ events: 0, seconds: 0 })
  at.ms += 86_400_000
  expect((await look()).get(own)).toEqual({ events: 0, seconds: 0 })
  written.push({ seq: 2, at: new Date(at.ms) }, { seq: 3, at: new Date(at.ms + 1_000) })
  at.ms += 4_000
  expect((await look()).get(own)).toEqual({ events: 2, seconds: 4 })
  stored(own, 3)
  expect((await look()).get(own)).toEqual({ events: 0, seconds: 0 })
})

test('another host is behind by the age of what came last, while more is coming', async () => {
  const { at, look, stored } = hosts({ other: { queued: 7, lastEventAt: new Date(START) } })
  stored(other, 1, START - 60_000)
  expect((await look()).get(other)).toEqual({ events: 7, seconds: 60 })
  at.ms += 60_000
  stored(other, 2, at.ms - 500)
  expect((await look()).get(other)).toEqual({ events: 7, seconds: 0.5 })
})

test('a host that has fallen silent has told all, whatever its last event was', async () => {
  const { at, look, stored } = hosts({ other: { lastEventAt: new Date(START) } })
  stored(other, 1, START - 3_600_000)
  expect((await look()).get(other)).toEqual({ events: 0, seconds: 3_600 })
  at.ms += 11_000
  expect((await look()).get(other)).toEqual({ events: 0, seconds: 0 })
})

test('of a host that cannot be heard nothing is known', async () => {
  const { look } = hosts({ other: { connected: false } })
  expect((await look()).get(other)).toEqual({ events: null, seconds: null })
})
