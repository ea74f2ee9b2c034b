import { expect, test } from 'vitest'
import { observeLedger } from './observe-ledger.ts'
import { createObservers } from './observers.ts'

/** What the names are, of a node with this validator. */
async function told(at: { epoch: number; phase: string } | undefined) {
  const observers = createObservers({ patienceMs: 1_000 })
  observeLedger(observers, {
    validator: () => at,
    unpublished: () => at && 3,
    refused: async () => ({ TooFewSigners: 2 }),
  })
  return Object.fromEntries(
    [...(await observers.look())].map(([name, samples]) => [
      name,
      samples.map(({ labels, value }) => `${Object.values(labels).join(' ')}=${value}`),
    ]),
  )
}

test('epoch, phase and what is not published are told of a node that validates', async () => {
  expect(await told({ epoch: 7, phase: 'draining' })).toEqual({
    'validator.epoch': ['=7'],
    'validator.phase': ['open=0', 'draining=1', 'sealed=0'],
    'validator.unpublished': ['=3'],
    'ledger.certificates.refused': ['TooFewSigners=2'],
  })
})

test('a node that validates nothing tells only what it has read', async () => {
  expect(await told(undefined)).toEqual({
    'validator.epoch': [],
    'validator.phase': [],
    'validator.unpublished': [],
    'ledger.certificates.refused': ['TooFewSigners=2'],
  })
})
