import { expect, test } from 'vitest'
import { parseSpace, parseSpaceRecord, spaceRecordUri, spaceUri } from './space-ref.ts'

const ref = { authority: 'did:web:shop.example', type: 'com.example.room', skey: 'staff' }
const space = 'at://did:web:shop.example/space/com.example.room/staff'

test('the URI of a space and of a record in it are read back as they were written', () => {
  expect(spaceUri(ref)).toBe(space)
  expect(parseSpace(space)).toEqual(ref)
  const uri = spaceRecordUri(space, 'did:plc:abc', 'com.example.note', '3kbcq3p7ad422')
  expect(uri).toBe(`${space}/did:plc:abc/com.example.note/3kbcq3p7ad422`)
  const parts = { author: 'did:plc:abc', collection: 'com.example.note', rkey: '3kbcq3p7ad422' }
  expect(parseSpaceRecord(uri)).toEqual({ space, ...parts })
})

test('neither is read from anything else', () => {
  const spaces = [
    '',
    'at://did:web:shop.example',
    'at://did:web:shop.example/com.example.room/staff',
    'at://shop.example/space/com.example.room/staff',
    'at://did:web:shop.example/space/room/staff',
    'at://did:web:shop.example/space/com.example.room/..',
    'at://did:web:shop.example/space/com.example.room/',
    `${space}/`,
    `${space}?a`,
    `${space}/did:plc:abc/com.example.note/1`,
    space.replace('at:', 'ats:'),
    `at://did:web:shop.example/space/com.example.room/${'k'.repeat(513)}`,
  ]
  for (const uri of spaces) expect(parseSpace(uri)).toBeUndefined()
  const records = [
    space,
    `${space}/did:plc:abc`,
    `${space}/did:plc:abc/note/1`,
    `${space}/someone/com.example.note/1`,
    `${space}/did:plc:abc/com.example.note/a b`,
    `${space}/did:plc:abc/com.example.note/1/2`,
    `${space}/did:plc:abc/com.example.note/1`.replace('/space/', '/spaces/'),
  ]
  for (const uri of records) expect(parseSpaceRecord(uri)).toBeUndefined()
})
