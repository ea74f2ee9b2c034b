import { expect, test } from 'vitest'
import { type HealthSources, READY_LAG_SECONDS, healthOf, readinessOf } from './health.ts'

const ownHost = 'http://localhost:2583'

/** A node of which everything is well but what is said. */
function node(
  amiss: { database?: false; pds?: false; seconds?: number | null } = {},
): HealthSources {
  const { seconds = 0 } = amiss
  const state = { connected: true, lastSeq: 7, queued: 0, queuedBytes: 0, lastEventAt: undefined }
  return {
    versions: { version: '0.1.0' },
    started: () => true,
    database: async () => ({ ok: amiss.database ?? true }),
    hosts: async () => [{ host: ownHost, state, lag: { events: 0, seconds } }],
    counts: async () => undefined,
    pdsAnswers: async () => amiss.pds ?? true,
    ownHost,
  }
}

test('a node is ready when its parts answer and its views are not far behind', async () => {
  const { status, body } = await readinessOf(node({ seconds: READY_LAG_SECONDS }))
  expect([status, body]).toMatchObject([200, { ready: true, amiss: [] }])
})

test.each([
  ['before it listens', undefined, 'migrations'],
  ['while Postgres is away', node({ database: false }), 'database'],
  ['while its PDS does not answer', node({ pds: false }), 'pds'],
  ['while its views are behind', node({ seconds: READY_LAG_SECONDS + 1 }), 'firehose'],
  ['while it cannot tell how far they are', node({ seconds: null }), 'firehose'],
])('a node is not ready %s, and says so', async (_when, sources, amiss) => {
  const { status, body } = await readinessOf(sources)
  expect([status, body]).toMatchObject([503, { ready: false, amiss: [amiss] }])
})

test('health answers also when nobody could count, and 503 without a database', async () => {
  expect(await healthOf(node())).toMatchObject({
    status: 200,
    body: { version: '0.1.0', repos: null, firehose: [{ cursor: 7, lagSeconds: 0 }] },
  })
  expect((await healthOf(node({ database: false }))).status).toBe(503)
})

test('a node that has not begun its work yet sends nobody here', async () => {
  const answer = await healthOf({ ...node(), started: () => false })
  expect(answer).toMatchObject({ status: 503, body: { started: false, database: { ok: true } } })
})
