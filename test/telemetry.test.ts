import { expect, test } from 'vitest'
import { silentLog } from '../src/log.ts'
import { jsonPage, serveAdmin } from '../src/telemetry/admin.ts'
import { createExposition } from '../src/telemetry/exposition.ts'
import { createObservers } from '../src/telemetry/observers.ts'
import { createTally } from '../src/telemetry/tally.ts'
import { parseExposition, valueOf } from './exposition.ts'

function page(patienceMs = 1_000) {
  const tally = createTally({ now: () => 0 })
  const observers = createObservers({ patienceMs })
  const resource = { 'service.name': 'angelos' }
  const write = createExposition({ tally, observers, resource })
  return { tally, observers, read: async () => parseExposition(await write()) }
}

test('labels with quotes, slashes and lines come out as they went in', async () => {
  const { tally, read } = page()
  const host = 'https://"quoted"\\and\nbroken'
  tally.count('firehose.frames', { host }, 5)
  expect(valueOf(await read(), 'angelos_firehose_frames_total', { host })).toBe(5)
})

test('a histogram is told with rising buckets, its sum and its count', async () => {
  const { tally, read } = page()
  for (const seconds of [0.000_05, 0.003, 0.003, 99])
    tally.record('xrpc.duration', { nsid: 'other' }, seconds)
  const metrics = await read()
  const bucket = (le: string) =>
    valueOf(metrics, 'angelos_xrpc_duration_seconds_bucket', { nsid: 'other', le })
  expect(['0.001', '0.002', '0.005', '10', '+Inf'].map(bucket)).toEqual([1, 1, 3, 3, 4])
  expect(valueOf(metrics, 'angelos_xrpc_duration_seconds_sum')).toBeCloseTo(99.00605)
  expect(valueOf(metrics, 'angelos_xrpc_duration_seconds_count')).toBe(4)
})

test('what fails or takes too long to look up is left out, and holds up nothing', async () => {
  const { observers, read } = page(50)
  observers.observe('quarantined', () => Promise.reject(new Error('away')))
  observers.observe('repos', () => new Promise(() => {}))
  observers.observe('verifier.queued', () => [{ labels: {}, value: 4 }])
  const metrics = await read()
  expect(valueOf(metrics, 'angelos_verifier_queued')).toBe(4)
  expect([...metrics.keys()].filter((name) => /repos|quarantined/.test(name))).toEqual([])
})

test('the admin port answers its paths to readers, and says so of all else', async () => {
  const pages = new Map([
    ['/livez', async () => jsonPage(200, { live: true })],
    ['/broken', () => Promise.reject(new Error('a bug'))],
  ])
  const admin = await serveAdmin({ host: '127.0.0.1', port: 0, pages, log: silentLog })
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(admin.url + path, { method })
    return [answer.status, await answer.text()]
  }
  expect(await ask('/livez?now=1')).toEqual([200, '{"live":true}\n'])
  expect(await ask('/livez', 'HEAD')).toEqual([200, ''])
  expect((await ask('/livez', 'POST'))[0]).toBe(405)
  expect((await ask('/'))[0]).toBe(404)
  expect((await ask('/broken'))[0]).toBe(500)
  await admin.close()
  await expect(ask('/livez')).rejects.toThrow('fetch failed')
})

test.each([
  ['a name under another', 'stands under', '# HELP a_total x\n# TYPE a_total counter\nb_total 1\n'],
  ['no type', 'no type', '# HELP a x\na 1\n'],
  ['a value twice', 'twice', '# HELP a x\n# TYPE a gauge\na{b="c"} 1\na{b="c"} 2\n'],
  ['a bare quote', 'not labels', '# HELP a x\n# TYPE a gauge\na{b="c"d"} 1\n'],
  ['a counter by a wrong name', 'is a counter', '# HELP a x\n# TYPE a counter\na 1\n'],
  ['no last line', 'not ended', '# HELP a x\n# TYPE a gauge\na 1'],
  [
    'buckets that fall',
    'do not rise',
    '# HELP a x\n# TYPE a histogram\na_count 1\na_sum 1\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\n',
  ],
])('the page reader of these tests refuses %s', (_what, why, text) => {
  expect(() => parseExposition(text)).toThrow(why)
})
