import { expect, test } from 'vitest'
import { applyWith, foundTown, lockWith, orderOf, payer } from '../../test/tokens/town.ts'
import { type Events, noEvents } from '../events.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { ImpossibleStep, refuse } from '../tokens/refusal.ts'
import { countedDesk } from './counted-desk.ts'
import type { Desk } from './desk.ts'

test('votes, transfers applied and refusals are counted, each by what it was', async () => {
  const counts = new Map<string, number>()
  const events: Events = {
    ...noEvents,
    count: (name, labels) => {
      const key = `${name} ${Object.values(labels).join(' ')}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
  }
  const ada = payer('ada')
  const town = await foundTown(4, [{ kind: 'system_grant', amount: 9, to: ada.did }])
  const [first] = town.members
  const order = orderOf(town, ada, { credits: [{ to: payer('ben').did, amount: 1 }] })
  const lock = await lockWith(order, town.members.slice(1))
  await applyWith(order, lock, town.members.slice(1))
  let isHalted = false
  const desk = countedDesk(
    {
      submit: () => first!.validator.submit(order),
      apply: async () => {
        if (isHalted) throw new ImpossibleStep('two histories')
        return await first!.validator.apply(order, lock)
      },
    } as unknown as Desk,
    events,
  )
  const submission = { account: ada.did, record: order.bytes, car: new Uint8Array() }
  await desk.submit(submission)
  await desk.submit(submission)
  await desk.apply(ada.did, order.bytes, encodeRecord(lock))
  const refusing = { ...desk, submit: async () => refuse('Expired', 'too late') }
  await countedDesk(refusing, events).submit(submission)
  isHalted = true
  await expect(desk.apply(ada.did, order.bytes, encodeRecord(lock))).rejects.toThrow(ImpossibleStep)
  expect(Object.fromEntries(counts)).toEqual({
    'validator.attested lock': 2,
    'validator.attested apply': 1,
    'validator.refused lock Expired': 1,
    'validator.refused apply Halted': 1,
  })
})
