import { expect, test } from 'vitest'
import { lockOf, openDesk } from '../../test/tokens/desk.ts'
import { didOf, orderOf, payer } from '../../test/tokens/town.ts'
import { decideCertificate } from './apply.ts'
import { cidOf } from './encoding.ts'
import { ImpossibleStep } from './refusal.ts'

const [ADA, BEN] = [payer('ada'), payer('ben')]
const GIFT = { kind: 'system_grant', amount: 100, to: ADA.did } as const
const to = (who: { did: string }, amount: number) => [{ to: who.did, amount }]

test('a transfer is applied once, however often its certificate comes', async () => {
  const desk = await openDesk([GIFT])
  const order = desk.next(ADA, { credits: to(BEN, 30) })
  const first = await desk.apply(order)
  desk.now = '2026-11-28T13:00:00.000Z'
  expect(await desk.apply(order)).toEqual(first)
  expect(desk.store.accounts.get(BEN.did)!.balance).toBe(30n)
  expect(desk.supply()).toBe(100n)
})

test('a validator below zero lacks a credit, and is whole when it has come', async () => {
  const desk = await openDesk([GIFT])
  const funding = desk.next(ADA, { credits: to(BEN, 30) })
  const spending = desk.next(BEN, { credits: to(payer('cleo'), 30) })
  expect(await desk.apply(spending)).toMatchObject({ ok: true })
  expect(desk.store.accounts.get(BEN.did)!.balance).toBe(-30n)
  await desk.apply(funding)
  expect(desk.store.accounts.get(BEN.did)!.balance).toBe(0n)
  expect(desk.supply()).toBe(100n)
})

test('a number too far is asked to wait for those before it', async () => {
  const desk = await openDesk([GIFT])
  const prev = cidOf(desk.crypto, {})
  const order = orderOf(desk, ADA, { seq: 2, prev, credits: to(BEN, 1) })
  expect(await desk.apply(order)).toMatchObject({ reason: 'NeedCertificates' })
})

test('a certificate of something else does not apply this', async () => {
  const desk = await openDesk([GIFT])
  const order = desk.next(ADA, { credits: to(BEN, 1) })
  const other = cidOf(desk.crypto, {})
  const wrong = {
    WrongPhase: { phase: 'apply' as const },
    WrongTransfer: { transfer: other },
    WrongAccount: { account: didOf('eve') },
    WrongLedger: { ledger: other },
    WrongEpoch: { epoch: 1 },
    WrongSeq: { seq: 2 },
    WrongPrev: { prev: other },
  }
  for (const [reason, more] of Object.entries(wrong)) {
    const certificate = { ...lockOf(desk, order), ...more }
    const proven = { transfer: order, certificate, senderKey: 'k' }
    const { answer, changes } = decideCertificate(await desk.view(), proven, desk.now)
    expect(answer).toMatchObject({ ok: false, reason })
    expect(changes).toEqual([])
  }
})

test('two certified histories of one account are an impossible step', async () => {
  const desk = await openDesk([GIFT])
  const other = desk.next(ADA, { credits: to(BEN, 2) })
  await desk.pay(ADA, { credits: to(BEN, 1) })
  await expect(desk.apply(other)).rejects.toBeInstanceOf(ImpossibleStep)
  const prev = cidOf(desk.crypto, {})
  const torn = orderOf(desk, ADA, { seq: 2, prev, credits: to(BEN, 1) })
  await expect(desk.apply(torn)).rejects.toBeInstanceOf(ImpossibleStep)
  expect(desk.supply()).toBe(100n)
})

test('once sealed nothing new is applied; what was applied is attested again', async () => {
  const desk = await openDesk([GIFT])
  const paid = await desk.pay(ADA, { credits: to(BEN, 1) })
  const next = desk.next(ADA, { credits: to(BEN, 1) })
  desk.current = { ...desk.current, phase: 'sealed' }
  expect(await desk.apply(next)).toMatchObject({ reason: 'EpochClosing' })
  expect(await desk.apply(paid)).toMatchObject({ ok: true, vote: { phase: 'apply' } })
})
