import { InvalidRequestError } from '@atproto/xrpc-server'
import { expect, test } from 'vitest'
import { type Machine, moveOf, nextStates, statesOf } from './machine.ts'

const machine: Machine = {
  field: 'status',
  initial: ['draft'],
  moves: [
    { from: ['draft'], to: 'sent' },
    {
      from: ['sent'],
      to: 'paid',
      guard: {
        name: 'NothingOpen',
        kind: 'hard',
        against: (row) => (row['open'] ? 'There is money open.' : undefined),
      },
    },
    {
      from: ['draft', 'sent'],
      to: 'void',
      guard: {
        name: 'NotSeen',
        kind: 'soft',
        against: (row) => (row['seen'] ? 'The customer has seen it.' : undefined),
      },
    },
  ],
}

const nameOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return error instanceof InvalidRequestError ? (error.customErrorName ?? '') : String(error)
  }
  return 'done'
}
const go = (row: Record<string, unknown>, asked: Parameters<typeof moveOf>[2]) =>
  nameOf(() => moveOf(machine, row, asked))

test('every pair of states is a declared move, the same state, or refused with what is possible', () => {
  for (const from of statesOf(machine))
    for (const to of statesOf(machine)) {
      const possible = from === to || nextStates(machine, from).includes(to)
      expect(go({ status: from }, { to })).toBe(possible ? 'done' : 'InvalidTransition')
    }
  expect(() => moveOf(machine, { status: 'draft' }, { to: 'paid' })).toThrow('to sent, void')
  expect(() => moveOf(machine, { status: 'paid' }, { to: 'void' })).toThrow('nowhere')
})

test('who expects another state than there is hears so, and repeating is nothing', () => {
  expect(go({ status: 'sent' }, { from: 'draft', to: 'void' })).toBe('InvalidTransition')
  expect(moveOf(machine, { status: 'sent' }, { from: 'draft', to: 'sent' })).toBeUndefined()
})

test('a soft guard yields to a person with a reason, a hard one to nobody', () => {
  const seen = { status: 'sent', seen: true }
  expect(go(seen, { to: 'void' })).toBe('GuardFailed')
  expect(go(seen, { to: 'void', override: true })).toBe('GuardFailed')
  expect(go(seen, { to: 'void', override: true, reason: 'a mistake' })).toBe('done')
  const open = { status: 'sent', open: true }
  expect(go(open, { to: 'paid', override: true, reason: 'because' })).toBe('GuardFailed')
})
