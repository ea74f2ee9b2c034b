import { InvalidRequestError } from '@atproto/xrpc-server'
import { describe, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { type Machine, moveOf, nextStates, statesOf } from '../src/appview/machine.ts'
import { notificationKinds } from '../src/appview/notification-kinds.ts'
import { memberMachine, requestMachine } from '../src/appview/member-machine.ts'
import { tenantMachine } from '../src/appview/tenants.ts'

/** Every declared machine, with what can be told of its rows. */
const machines: readonly (readonly [string, Machine, readonly string[] | undefined])[] = [
  ['tenant', tenantMachine, undefined],
  ['member of a space', memberMachine, undefined],
  ['request to join a space', requestMachine, undefined],
  ...collections.flatMap(({ table, machine, columns }) =>
    machine ? ([[table, machine, ['did', ...Object.keys(columns)]]] as const) : [],
  ),
]

/** A row that nothing speaks against. */
const willing = { isProvisioned: true }

test('machines are found by the registry', () => {
  expect(machines.map(([name]) => name)).toEqual(
    expect.arrayContaining(['tenantMembership', 'roadmapFeature', 'subscription', 'channelAlert']),
  )
})

describe.each(machines)('%s', (_name, machine, columns) => {
  const states = statesOf(machine)

  test('can come to every state it knows, and begins in one', () => {
    const reached = new Set(machine.initial)
    for (const state of reached) for (const next of nextStates(machine, state)) reached.add(next)
    expect([...reached].toSorted()).toEqual(states.toSorted())
  })

  test('goes where its table says, and every other way is refused with those there are', () => {
    for (const from of states)
      for (const to of states) {
        const row = { ...willing, [machine.field]: from }
        const go = () => moveOf(machine, row, { to, override: true, reason: 'tried out' })
        const possible = nextStates(machine, from)
        if (from === to) expect(go()).toBeUndefined()
        else if (possible.includes(to)) expect(go()).toMatchObject({ to })
        else
          expect(go).toThrow(
            expect.objectContaining({
              customErrorName: 'InvalidTransition',
              message: expect.stringContaining(possible[0] ?? 'nowhere'),
            }),
          )
      }
    const odd = { ...willing, [machine.field]: states[0] }
    expect(() => moveOf(machine, odd, { to: 'no such state' })).toThrow(InvalidRequestError)
  })

  test('tells by notifications there are, whom a column names', () => {
    for (const { tells } of machine.moves) {
      if (!tells) continue
      expect(Object.keys(notificationKinds)).toContain(tells.kind)
      if (columns) expect(columns).toContain(tells.whom)
    }
  })
})
