import { expect, test } from 'vitest'
import { moveOf, statesOf } from './machine.ts'
import { memberMachine, requestMachine } from './member-machine.ts'

const ALLOWED = new Set(
  `pending active, pending declined, pending banned, declined active, declined banned,
  active suspended, active left, active banned, suspended active, suspended banned,
  banned active, banned suspended, left active, left banned, none banned`
    .split(',')
    .map((way) => way.trim()),
)
const states = statesOf(memberMachine)
const ways = states.flatMap((from) => states.map((to) => [from, to] as const))

test.each(ways.filter(([from, to]) => from !== to))('from %s to %s', (from, to) => {
  const go = () => moveOf(memberMachine, { status: from }, { to })
  if (ALLOWED.has(`${from} ${to}`)) expect(go()).toMatchObject({ to })
  else expect(go).toThrow(/from here it may go/)
})

test('who is where they are asked to go stays there', () => {
  for (const state of states)
    expect(moveOf(memberMachine, { status: state }, { to: state })).toBe(undefined)
})

test.each(['active', 'suspended', 'banned', 'left'])(
  'a request of who is %s waits no more',
  (status) => {
    for (const to of ['active', 'declined'])
      if (to !== status)
        expect(() => moveOf(requestMachine, { status }, { to })).toThrow(
          /from here it may go nowhere/,
        )
  },
)
