import { expect, test } from 'vitest'
import { packing } from './token-model/canonical.ts'
import { cases } from './token-model/cases.ts'
import { countEnds } from './token-model/counts.ts'
import { appliedIn, breaches, certifiedIn } from './token-model/properties.ts'
import { ledgerOf } from './token-model/protocols.ts'
import { unionFinalByLock } from './token-model/rules.ts'
import { search } from './token-model/search.ts'
import { rules, runCase } from './token-model/series.ts'
import { hasSealed, holdsOf } from './token-model/state.ts'
import { type Step, eachStep } from './token-model/steps.ts'
import { retell } from './token-model/trace.ts'

test.for(cases.filter(({ long }) => !long))('$name', { timeout: 120_000 }, (one) => {
  expect(runCase(one)).toMatch(/states/)
})

test('the whole space of four and of seven validators is what it was', () => {
  const sizes = [4, 7].map((n) => search(ledgerOf(n)))
  // Fewer states would mean that the adversary can do less, and the proof says less.
  expect(sizes.map(({ states, steps, depth }) => [states, steps, depth])).toEqual([
    [1_152, 3_229, 15],
    [46_826, 195_948, 25],
  ])
})

test('a lock certificate taken for final is undone by the next epoch, in nine steps', () => {
  const protocol = ledgerOf(4, { rule: unionFinalByLock })
  const found = search(protocol, { until: breaches.contradicted })
  expect(retell(protocol, found)).toEqual([
    'epoch 1: the slot is free',
    '  validator 1 signs a lock for A',
    '  validator 2 signs a lock for A',
    '    => A has a lock certificate: signed by 1, 2, Byzantine 4',
    '    => shown final: A',
    '  validator 3 seals: lock none, certificates none',
    '  validator 1 seals: lock A, certificates none',
    '  validator 3 signs the handover that settles none, from the seals of 1, 3, ' +
      'Byzantine 4 (lock none, certificates none)',
    '  validator 1 signs the handover that settles none',
    '    => the handover that settles none is valid: signed by 1, 3, Byzantine 4',
    'epoch 2: the slot is free',
    '  validator 1 signs a lock for B',
    '  validator 2 signs a lock for B',
    '    => B has a lock certificate: signed by 1, 2, Byzantine 4',
    '    => shown final: B',
  ])
})

test('the ledger lives through that very case: what was certified and not applied is void', () => {
  const protocol = ledgerOf(4, { liveEpochs: 2 })
  const { path } = search(protocol, {
    until: (p, { epochs: [first, second] }) =>
      certifiedIn(p, first!) === 1 && second !== undefined && appliedIn(p, second) === 2,
  })
  expect(path).not.toBeNull()
})

test('a late validator of a closed epoch may still apply in it, while the next one goes on', () => {
  const protocol = ledgerOf(4, { liveEpochs: 2 })
  const found = search(protocol, {
    until: (_, { epochs: [first, second] }) =>
      second !== undefined && first!.locals.some((local) => !hasSealed(local) && holdsOf(local)),
  })
  const steps: Step[] = []
  const state = found.packing.unpack(found.path!.at(-1)!)
  eachStep({ protocol }, state, (_, step) => steps.push(step))
  expect(steps).toContainEqual(expect.objectContaining({ kind: 'apply', epoch: 0, transfer: 1 }))
  expect(steps).toContainEqual(expect.objectContaining({ epoch: 1 }))
})

test('states that differ by names only are counted once, and none is left out', () => {
  const protocol = ledgerOf(4)
  const each = search(protocol, { symmetry: 'every state is its own' })
  const classes = search(protocol)
  const reached = new Set<number>()
  for (let place = 0; place < each.seen.size; place++) {
    const key = classes.packing.pack(each.packing.unpack(each.seen.keyAt(place)))
    expect(classes.seen.placeOf(key)).toBeGreaterThanOrEqual(0)
    reached.add(key)
  }
  expect(each.complete).toBe(true)
  expect(each.states).toBeGreaterThan(5 * classes.states)
  expect(reached.size).toBe(classes.states)
})

test('what is packed is unpacked as one of its class', () => {
  const protocol = ledgerOf(7)
  const { seen, packing: packed } = search(protocol, { most: 5_000 })
  for (let place = 0; place < seen.size; place++) {
    const key = seen.keyAt(place)
    expect(packed.pack(packed.unpack(key))).toBe(key)
  }
  expect(packing(protocol, 'names do not matter').unpack(0).epochs).toEqual([])
})

test('counted one by one, no end of an epoch loses what is final but by the rejected rules', () => {
  const counts = rules.map((rule) => countEnds(ledgerOf(4, { rule })))
  expect(counts.map(({ cases: all, lost, ambiguous }) => [all, lost, ambiguous])).toEqual([
    [7_312, 2_592, 0],
    [7_312, 0, 3_726],
    [7_312, 1_944, 0],
    [7_312, 392, 0],
    [7_312, 0, 0],
  ])
})
