import { expect, test } from 'vitest'
import { permissionsOf } from './permissions.ts'

const member = { role: 'member', permissions: [] }

test('a paid tier opens what is private while it is paid for, and gives nothing else', () => {
  const own = ['create_events', 'post_messages', 'upload_files']
  expect(permissionsOf(member, false).toSorted()).toEqual(own)
  expect(permissionsOf(member, true).toSorted()).toEqual(['access_private', ...own])
})

test('what somebody was granted stays when nothing is paid for, and goes when it is taken', () => {
  const granted = { ...member, permissions: ['access_private'] }
  expect(permissionsOf(granted, true)).toEqual(permissionsOf(granted, false))
  expect(permissionsOf(member, false)).not.toContain('access_private')
})

test('a role that nobody knows has no rights but those granted', () => {
  expect(permissionsOf({ role: 'wizard', permissions: ['export_data', 'fly'] }, false)).toEqual([
    'export_data',
  ])
})
