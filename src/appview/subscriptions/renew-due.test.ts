import { beforeEach, expect, test } from 'vitest'
import { NOW } from '../../../test/appview-database.ts'
import { BEN, SHOP, type Stage, subscriptionStage, tier } from '../../../test/subscription-stage.ts'
import { audienceUri } from '../../permissioned/audience.ts'
import type { Paid } from '../billing-provider.ts'
import { netPaid } from './charge.ts'
import { paidAccess } from './paid-access.ts'
import { renewDue } from './renew-due.ts'
import { cancel, pause, resume, subscribe } from './subscribe.ts'
import { contentOf, subscriptionOf } from './write.ts'

const DAY = 86_400_000
const by = { actor: BEN, role: 'member', action: 'subscribe' }

let stage: Stage
beforeEach(async () => {
  stage = await subscriptionStage()
})

const held = () => subscriptionOf(stage.s.sql, SHOP, BEN)
const begins = async (more: object = {}) =>
  subscribe(stage.s, await held(), { tier: { ...tier, ...more }, method: undefined, by })
const passes = async (days: number) => {
  stage.now = new Date(NOW.getTime() + days * DAY)
  await renewDue(stage.s)
}
const status = async () => contentOf((await held()).row!).status
const opens = () => paidAccess(stage.s.sql, { space: SHOP, did: BEN, now: stage.now })
const paid = () => netPaid(stage.s.sql, SHOP, BEN)

test('a subscription is paid for every month, once, however often the clock runs', async () => {
  await begins()
  expect([await status(), await paid(), await opens()]).toEqual(['active', 900, ['premium_posts']])
  await passes(29)
  expect(await paid()).toBe(900)
  await passes(30)
  await passes(30)
  await Promise.all([renewDue(stage.s), renewDue(stage.s)])
  expect(await paid()).toBe(1800)
  await passes(31)
  await Promise.all([passes(61), passes(61)])
  expect([await paid(), stage.charged.length, await status()]).toEqual([2700, 3, 'active'])
  expect(contentOf((await held()).row!).currentPeriodEnd).toBe('2027-02-23T12:00:00.000Z')
})

test('a node that was down for months makes nobody pay for them', async () => {
  await begins()
  await passes(200)
  expect(await paid()).toBe(1800)
  await passes(201)
  expect(await paid()).toBe(1800)
})

test('a payment that is kept and not settled is settled, not taken again', async () => {
  await begins()
  const { payments } = stage.s
  const ends: typeof payments.charge = async (wish) => {
    await payments.charge(wish)
    throw new Error('the process ends')
  }
  stage.s = { ...stage.s, payments: { ...payments, charge: ends } }
  await passes(30)
  expect([await status(), await paid()]).toEqual(['active', 900])
  stage.s = { ...stage.s, payments }
  await passes(32)
  expect([await status(), await paid(), stage.charged.length]).toEqual(['active', 1800, 2])
})

test('who does not pay has fourteen days, and is asked once a day', async () => {
  stage.answers = ['paid', ...Array<Paid['status']>(20).fill('declined')]
  await begins()
  await passes(30)
  expect([await status(), await opens()]).toEqual(['past_due', ['premium_posts']])
  await passes(30.2)
  await passes(31)
  expect(stage.charged).toHaveLength(3)
  await passes(43.9)
  expect(await opens()).toEqual(['premium_posts'])
  await passes(44)
  expect([await status(), await opens(), await paid()]).toEqual(['canceled', undefined, 900])
  expect(stage.told).toEqual(['has begun', 'could not be paid for', 'has ended'])
})

test('a late payment that comes through goes on from where the last period ended', async () => {
  stage.answers = ['paid', 'declined', 'paid']
  await begins()
  await passes(30)
  await passes(33)
  expect([await status(), await paid()]).toEqual(['active', 1800])
  const { currentPeriodEnd, pastDueSince } = contentOf((await held()).row!)
  expect([currentPeriodEnd, pastDueSince]).toEqual(['2027-01-23T12:00:00.000Z', undefined])
})

test('one that is canceled opens its tier until the end of what is paid for', async () => {
  await begins()
  await cancel(stage.s, await held(), by)
  await cancel(stage.s, await held(), by)
  expect(await status()).toBe('active')
  await passes(29.9)
  expect(await opens()).toEqual(['premium_posts'])
  await passes(30)
  expect([await status(), await opens(), await paid()]).toEqual(['canceled', undefined, 900])
  await expect(pause(stage.s, await held(), by)).rejects.toMatchObject({
    customErrorName: 'InvalidTransition',
  })
})

test('one that was to end and is resumed goes on', async () => {
  await begins()
  await cancel(stage.s, await held(), by)
  await resume(stage.s, await held(), { method: undefined, by })
  await passes(30)
  expect([await status(), await paid()]).toEqual(['active', 1800])
})

test('one that is paused is not paid for until it is resumed', async () => {
  await begins()
  await pause(stage.s, await held(), by)
  await passes(10)
  expect(await opens()).toEqual(['premium_posts'])
  await passes(40)
  expect([await status(), await opens(), await paid()]).toEqual(['paused', undefined, 900])
  await resume(stage.s, await held(), { method: undefined, by })
  expect([await status(), await opens(), await paid()]).toEqual(['active', ['premium_posts'], 1800])
})

test('one that is paused, to end, and resumed after that goes on without ending', async () => {
  await begins()
  await pause(stage.s, await held(), by)
  await cancel(stage.s, await held(), by)
  stage.now = new Date(NOW.getTime() + 40 * DAY)
  await resume(stage.s, await held(), { method: undefined, by })
  await passes(80)
  expect([await status(), await paid()]).toEqual(['active', 2700])
})

test.each([
  ['trialing', ['pause']],
  ['paused', []],
  ['canceled', ['pause', 'resume']],
  ['incomplete', ['pause', 'resume']],
] as const)('from %s a member cannot: %s', async (from, illegal) => {
  stage.answers = from === 'incomplete' ? ['declined'] : []
  await begins(from === 'trialing' ? { trialDays: 3 } : {}).catch(() => undefined)
  if (from === 'paused') await pause(stage.s, await held(), by)
  if (from === 'canceled') {
    await cancel(stage.s, await held(), by)
    await passes(30)
  }
  expect(await status()).toBe(from)
  const ways = {
    pause: async () => pause(stage.s, await held(), by),
    resume: async () => resume(stage.s, await held(), { method: undefined, by }),
  }
  for (const name of illegal)
    await expect(ways[name]()).rejects.toMatchObject({ customErrorName: 'InvalidTransition' })
  expect(await status()).toBe(from)
})

test('a trial is free, once, and paid for after it', async () => {
  await begins({ trialDays: 7 })
  expect([await status(), await paid(), await opens()]).toEqual(['trialing', 0, ['premium_posts']])
  await passes(7)
  expect([await status(), await paid()]).toEqual(['active', 900])
  await cancel(stage.s, await held(), by)
  await passes(60)
  await begins({ trialDays: 7 })
  expect([await status(), await paid()]).toEqual(['active', 1800])
  expect(contentOf((await held()).row!).events).toHaveLength(2)
})

test('a first payment that is declined leaves nothing open, and is tried again', async () => {
  stage.answers = ['declined', 'paid']
  await expect(begins()).rejects.toMatchObject({ customErrorName: 'PaymentDeclined' })
  expect([await status(), await opens()]).toEqual(['incomplete', undefined])
  await begins()
  expect([await status(), await paid()]).toEqual(['active', 900])
  await expect(begins()).rejects.toMatchObject({ customErrorName: 'AlreadySubscribed' })
})

test('of two subscribed at once one is paid for', async () => {
  const done = await Promise.allSettled([begins(), begins()])
  expect(done.filter(({ status: how }) => how === 'fulfilled')).toHaveLength(1)
  expect([await status(), await paid()]).toEqual(['active', 900])
})

test('who is no member any more pays no more', async () => {
  await begins()
  const writes = await stage.s.sql.query('delete from appview.membership')
  expect(writes.rowCount).toBe(1)
  await passes(1)
  expect([await status(), await paid()]).toEqual(['canceled', 900])
})

test('the subscription of a space of another node is left to that node', async () => {
  await begins()
  await stage.s.sql.query('delete from repo.space')
  await passes(30)
  expect([await status(), await paid()]).toEqual(['active', 900])
})

test('what is not managed here stands in the place of those who manage the space', async () => {
  await begins()
  expect((await held()).row?.place).toBe(audienceUri(SHOP, 'managers'))
})

test('a start that stops after the payment goes on with it, and takes no other', async () => {
  const { payments } = stage.s
  const ends: typeof payments.charge = async (wish) => {
    await payments.charge(wish)
    throw new Error('the process ends')
  }
  stage.s = { ...stage.s, payments: { ...payments, charge: ends } }
  await expect(begins()).rejects.toThrow('the process ends')
  stage.s = { ...stage.s, payments }
  stage.now = new Date(NOW.getTime() + DAY)
  await begins()
  expect([await status(), await paid(), stage.charged.length]).toEqual(['active', 900, 1])
})

test('what is decided by an older version of a subscription is not done', async () => {
  await begins()
  const old = await held()
  await pause(stage.s, old, by)
  await expect(cancel(stage.s, old, by)).rejects.toMatchObject({
    customErrorName: 'InvalidTransition',
  })
  expect(contentOf((await held()).row!).cancelAtPeriodEnd).toBe(undefined)
})
