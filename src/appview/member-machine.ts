import type { Machine } from './machine.ts'

/** What becomes of a request to join where people decide. A ban does not end by approving one. */
export const requestMachine: Machine = {
  field: 'status',
  initial: ['pending'],
  moves: [
    { from: ['pending', 'declined'], to: 'active' },
    { from: ['pending'], to: 'declined' },
  ],
}

/** How somebody comes to be in a space, and how that ends (`domain.md` SM-10). A ban ends with the
 *  word of those who manage members, and never by joining. Who has nothing to do with a space yet
 *  is `none`: they can be banned all the same. */
export const memberMachine: Machine = {
  field: 'status',
  initial: ['none', 'pending', 'active'],
  moves: [
    ...requestMachine.moves,
    { from: ['active'], to: 'suspended' },
    { from: ['suspended', 'banned'], to: 'active' },
    { from: ['active'], to: 'left' },
    { from: ['left'], to: 'active' },
    { from: ['pending', 'declined', 'active', 'suspended', 'left', 'none'], to: 'banned' },
    { from: ['banned'], to: 'suspended' },
  ],
}
