import { expect, test } from 'vitest'
import { channelAlert } from '../src/appview/collections/spaces/channel-alert.ts'
import { channelReport } from '../src/appview/collections/spaces/channel-report.ts'
import { channelRules } from '../src/appview/collections/spaces/channel-rules.ts'
import { membership } from '../src/appview/collections/spaces/membership.ts'
import { raiseAlerts } from '../src/appview/raise-alerts.ts'
import { ADA, BEN, CHANNEL, CLUB, KEY, STAFF, openRetentionWorld } from './retention-world.ts'

const key = (n: number) => `3jzfcijpj4z2${'abcdefghijklmnopqrstuvwxyz'[n]}`
const MANY = { key: 'many', figure: 'litres', op: '>', limit: 900, level: 'critical' }
const FEW = { key: 'few', figure: 'litres', op: '<', limit: 100 }

async function open() {
  const w = await openRetentionWorld()
  await w.channel({})
  const owner = { subject: ADA, role: 'owner', joinedAt: '2026-01-01T12:00:00Z' }
  await w.put(membership, { did: CLUB, rkey: ADA }, { ...owner, createdAt: undefined })
  const rules = { channel: CHANNEL, alertThresholds: [MANY, FEW] }
  await w.put(channelRules, { did: CLUB, rkey: KEY, place: STAFF }, rules)
  let made = 0
  const report = (litres: number, more: Record<string, unknown> = {}) => {
    w.wait(1)
    const figures = [{ name: 'litres', amount: litres, unit: 'l', scale: 1 }]
    const { rkey = key((made += 1)), ...rest } = more
    const about = { channel: CHANNEL, title: 'Oil', figures, ...rest }
    return w.put(channelReport, { did: CLUB, rkey: String(rkey), place: STAFF }, about)
  }
  const sweep = () => raiseAlerts({ ...w.acting, isHosted: w.isHosted })
  const alerts = async () => {
    const rows = await w.rows(channelAlert)
    const told = rows.map(({ report: uri, level }) => `${String(uri).at(-1)} ${String(level)}`)
    return told.toSorted()
  }
  return { ...w, report, sweep, alerts }
}

test('a limit that is passed gives one alert, until the figure has been within it again', async () => {
  const w = await open()
  for (const litres of [500, 901, 950, 900, 902, 50, 40]) await w.report(litres)
  expect(await w.sweep()).toBe(7)
  expect(await w.alerts()).toEqual(['c critical', 'f critical', 'g warning'])
  const [row] = await w.rows(channelAlert)
  expect(row).toMatchObject({ place: STAFF, did: CLUB, state: 'open' })
  expect(row!['content']).toMatchObject({ amount: 901, limit: 900, scale: 1, unit: 'l', op: '>' })
  expect(await w.sweep()).toBe(0)
})

test('those who manage the channel are told, and other staff are not', async () => {
  const w = await open()
  await w.report(945)
  await w.sweep()
  expect(w.queued.map(({ data }) => data)).toMatchObject([
    {
      recipient: ADA,
      kind: 'channelAlert',
      data: { channel: 'desk', figure: 'litres', amount: '94.5 l', limit: '90.0 l' },
    },
  ])
  expect(w.queued.some(({ data }) => data['recipient'] === BEN)).toBe(false)
})

test('judging again, also after losing what was judged, leaves an alert as people left it', async () => {
  const w = await open()
  await w.report(945)
  await w.sweep()
  const [row] = await w.rows(channelAlert)
  const { rkey, content } = row as unknown as { rkey: string; content: Record<string, unknown> }
  const done = { ...content, state: 'resolved' }
  await w.put(channelAlert, { did: CLUB, rkey, place: STAFF }, done)
  await w.pool.query('truncate node."judgedReport"')
  expect(await w.sweep()).toBe(1)
  expect(await w.rows(channelAlert)).toMatchObject([{ state: 'resolved' }])
  expect(w.queued).toHaveLength(1)
})

test('a report that is put right is judged again, and one that is rejected counts for nothing', async () => {
  const w = await open()
  await w.report(500)
  await w.sweep()
  await w.report(945, { rkey: key(1) })
  await w.report(500)
  await w.report(950, { status: 'rejected' })
  await w.report(960)
  await w.report(970)
  expect(await w.sweep()).toBe(5)
  expect(await w.alerts()).toEqual(['b critical', 'e critical'])
})

test('cut off at any write, every crossing still gives its alert, and each person one notice', async () => {
  for (const done of [true, false])
    for (let after = 0; after < 3; after++) {
      const w = await open()
      for (const litres of [945, 50]) await w.report(litres)
      w.die(after, done)
      await w.sweep()
      await w.live()
      await w.sweep()
      expect(await w.alerts()).toEqual(['b critical', 'c warning'])
      expect(w.queued.map(({ key: one }) => one)).toHaveLength(2)
    }
})

test('the reports of a space of another node are its own to judge', async () => {
  const w = await open()
  await w.report(945)
  expect(await raiseAlerts({ ...w.acting, isHosted: async () => false })).toBe(1)
  expect(await w.rows(channelAlert)).toEqual([])
})
