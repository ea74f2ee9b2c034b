import { expect, test } from 'vitest'
import { didOf } from '../../test/tokens/town.ts'
import { emptyAccount, isOnHold, pinKeys, withPins } from './account.ts'

const NOON = '2026-11-28T12:00:00.000Z'
const LATER = '2026-12-01T11:59:59.999Z'
const FREE = '2026-12-01T12:00:00.000Z'
const ADA = emptyAccount(didOf('ada'))
const pin = (account: typeof ADA, atproto: string, angel?: string, now = NOON) =>
  pinKeys(account, { did: ADA.did, atproto, ...(angel && { angel }) }, now, 72)

test('the first keys of an account are taken as they are', () => {
  const first = pin(ADA, 'a1', 'd1')
  expect(first).toMatchObject({ atproto: { key: 'a1' }, angel: { key: 'd1' } })
  expect(isOnHold(first, NOON)).toBe(false)
  expect(pin(first, 'a1', 'd1', FREE)).toBe(first)
})

test('a key that takes another’s place is on hold for 72 hours', () => {
  const first = pin(ADA, 'a1', 'd1')
  for (const changed of [pin(first, 'a2', 'd1'), pin(first, 'a1', 'd2')]) {
    expect([NOON, LATER, FREE].map((at) => isOnHold(changed, at))).toEqual([true, true, false])
  }
})

test('a device key that comes later is on hold too', () => {
  const changed = pin(pin(ADA, 'a1'), 'a1', 'd1')
  expect([NOON, LATER, FREE].map((at) => isOnHold(changed, at))).toEqual([true, true, false])
})

test('a key that goes and comes back begins a hold of its own, and a missing one frees nothing', () => {
  const changed = pin(pin(ADA, 'a1', 'd1'), 'a1', 'd2')
  const back = pin(changed, 'a1', 'd1', LATER)
  expect(isOnHold(back, FREE)).toBe(true)
  expect(pin(changed, 'a1', undefined, LATER)).toBe(changed)
})

test('an epoch opens with the keys that were pinned, holds and all, and with its own balances', () => {
  const held = { ...pin(pin(ADA, 'a1', 'd1'), 'a1', 'd2'), balance: 5n }
  const opening = new Map([[ADA.did, { ...ADA, balance: 9n }]])
  const opened = withPins(opening, new Map([[ADA.did, held]])).get(ADA.did)!
  expect(opened).toEqual({ ...held, balance: 9n })
})

test('the first keys of an account whose keys others have judged are on hold, in later epochs too', () => {
  const begun = { ...ADA, seq: 1, keysUnmet: true as const }
  const opened = withPins(new Map([[ADA.did, ADA]]), new Map([[ADA.did, begun]])).get(ADA.did)!
  for (const met of [pin(begun, 'a1', 'd1'), pin(opened, 'a1', 'd1')]) {
    expect([NOON, LATER, FREE].map((at) => isOnHold(met, at))).toEqual([true, true, false])
    expect(pin(met, 'a1', 'd1', FREE)).toBe(met)
  }
})
