import { expect, test } from 'vitest'
import { RETENTION_DEFAULTS, type Retention, dueEntries } from './retention.ts'

const NOW = new Date('2026-11-27T12:00:00Z')

function entry(uri: string, days: number, archived = false) {
  return { uri, sentAt: new Date(NOW.getTime() - days * 86_400_000), archived }
}

function due(retention: Retention, legalHold = false) {
  const ages = [0, 29, 30, 89, 90, 364, 365, 4000]
  const entries = ages.map((days) => entry(String(days), days))
  return dueEntries({ retention, legalHold }, entries, NOW)
}

test('a channel that says nothing archives after a quarter and deletes nothing', () => {
  expect(RETENTION_DEFAULTS).toEqual({ archiveAfter: 90, retentionPeriod: 365 })
  expect(due({})).toEqual({ archive: ['90', '364', '365', '4000'], delete: [] })
})

test('an entry is deleted on the day its time is over, and is not archived first', () => {
  expect(due({ archiveAfter: 30, deleteAfter: 90 })).toEqual({
    archive: ['30', '89'],
    delete: ['90', '364', '365', '4000'],
  })
})

test('a retention period deletes where no time of deletion is set, and yields to one that is', () => {
  expect(due({ retentionPeriod: 365 }).delete).toEqual(['365', '4000'])
  expect(due({ retentionPeriod: 30, deleteAfter: 4000 }).delete).toEqual(['4000'])
})

test('a legal hold keeps everything, and lets it be archived still', () => {
  const held = due({ archiveAfter: 365, deleteAfter: 0 }, true)
  expect(held).toEqual({ archive: ['365', '4000'], delete: [] })
})

test('what is archived is not archived again, and is deleted when its time comes', () => {
  const entries = [entry('put away', 100, true)]
  const channel = (retention: Retention) => ({ retention, legalHold: false })
  expect(dueEntries(channel({}), entries, NOW)).toEqual({ archive: [], delete: [] })
  expect(dueEntries(channel({ deleteAfter: 100 }), entries, NOW).delete).toEqual(['put away'])
})

test('nothing is due before its time, not even by a second', () => {
  const young = { ...entry('young', 90), sentAt: new Date(NOW.getTime() - 90 * 86_400_000 + 1) }
  expect(dueEntries({ retention: {}, legalHold: false }, [young], NOW).archive).toEqual([])
})
