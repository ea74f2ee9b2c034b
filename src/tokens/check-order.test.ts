import { expect, test } from 'vitest'
import { openDesk } from '../../test/tokens/desk.ts'
import { didOf, payer } from '../../test/tokens/town.ts'
import { type CheckInRepo, checkOrder } from './check-order.ts'
import { encodeRecord } from './encoding.ts'
import { refuse } from './refusal.ts'

const ADA = payer('ada')
const GIFT = { kind: 'system_grant', amount: 100, to: ADA.did } as const
const car = new Uint8Array()
const inRepo: CheckInRepo = () => undefined
const desk = await openDesk([GIFT])
const order = desk.next(ADA, { credits: [{ to: didOf('ben'), amount: 5 }] })
const keys = { did: ADA.did, atproto: payer('pds').signer.didKey, angel: ADA.signer.didKey }
const submission = { account: ADA.did, record: order.bytes, car }
const check = (more: object = {}, held: object = keys, repo = inRepo) =>
  checkOrder(desk.crypto, { ...submission, ...more }, held as typeof keys, repo)

test('an order holds by its place in the repo and by the device key', () => {
  const places: unknown[] = []
  const found = check({}, keys, (one, place) => {
    places.push([one.account, place])
    return undefined
  })
  expect(found).toMatchObject({ ok: true, id: order.id, senderKey: keys.angel })
  expect(places).toEqual([[ADA.did, { seq: 1, atproto: keys.atproto }]])
})

test('who has the repo’s key alone spends nothing of an account with a device key', () => {
  const bare = encodeRecord({ ...order.transfer, signatures: [] })
  expect(check({ record: bare })).toMatchObject({ reason: 'SpendSignatureMissing' })
  const other = { ...keys, angel: payer('eve').signer.didKey }
  expect(check({}, other)).toMatchObject({ reason: 'SpendSignatureMissing' })
  const credits = [{ to: didOf('eve'), amount: 5 }]
  const changed = encodeRecord({ ...order.transfer, credits })
  expect(check({ record: changed })).toMatchObject({ reason: 'BadSpendSignature' })
})

test('who has the device key alone spends nothing, and nothing of another account', () => {
  const outside = check({}, keys, () => refuse('NotInRepo', 'no commit'))
  expect(outside).toMatchObject({ reason: 'NotInRepo' })
  expect(check({ account: didOf('eve') })).toMatchObject({ reason: 'BadSpendSignature' })
})

test('without a device key the commit’s key is the one that is attested', () => {
  const { angel: _, ...less } = keys
  expect(check({}, less)).toMatchObject({ ok: true, senderKey: keys.atproto })
})
