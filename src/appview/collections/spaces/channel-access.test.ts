import { expect, test } from 'vitest'
import { channelAudience, isWithin, mayPost } from './channel-access.ts'

test('a channel stands before those only whom its visibility names', () => {
  expect(channelAudience({})).toBe(undefined)
  expect(channelAudience({ visibility: 'public', allowedRoles: ['owner'] })).toBe(undefined)
  expect(channelAudience({ visibility: 'private' })).toBe('members')
  expect(channelAudience({ visibility: 'restricted' })).toBe('staff')
  expect(channelAudience({ visibility: 'restricted', allowedRoles: ['owner'] })).toBe('managers')
  expect(channelAudience({ visibility: 'restricted', allowedRoles: ['member'] })).toBe('members')
  expect(channelAudience({ visibility: 'hidden' })).toBe('managers')
})

test('a channel may always stand before fewer than it is for, and never before more', () => {
  expect(isWithin('managers', 'staff')).toBe(true)
  expect(isWithin('members', 'staff')).toBe(false)
  expect(isWithin(undefined, 'members')).toBe(false)
  expect(isWithin(undefined, undefined)).toBe(true)
})

test('a channel shuts out roles that it does not name, and lets guests in where it says so', () => {
  const member = { role: 'member', can: true }
  const guest = { role: 'guest', can: false }
  expect(mayPost({}, member)).toBe(true)
  expect(mayPost({ allowedRoles: ['moderator'] }, member)).toBe(false)
  expect(mayPost({ allowedRoles: ['viewer'] }, { role: 'viewer', can: false })).toBe(false)
  expect(mayPost({}, guest)).toBe(false)
  expect(mayPost({ guestAccess: true }, guest)).toBe(true)
})
