import { expect, test } from 'vitest'
import { readReference } from './reference.ts'

test('a public record is read with its author', () => {
  expect(readReference('at://did:plc:ada/co.kendev.spaces.message/3k')).toEqual({
    author: 'did:plc:ada',
    collection: 'co.kendev.spaces.message',
    rkey: '3k',
  })
})

test('the author of a permissioned record is its author, not the authority of its space', () => {
  const uri =
    'at://did:plc:shop/space/co.kendev.platform.tenantSpace/staff/did:plc:ada/co.kendev.commerce.order/3k'
  expect(readReference(uri)).toEqual({
    space: { authority: 'did:plc:shop', type: 'co.kendev.platform.tenantSpace', skey: 'staff' },
    author: 'did:plc:ada',
    collection: 'co.kendev.commerce.order',
    rkey: '3k',
  })
})

test.each([
  'at://ada.test/co.kendev.spaces.message/3k',
  'at://did:plc:ada/co.kendev.spaces.message',
  'at://did:plc:ada/co.kendev.spaces.message/..',
  'at://did:plc:ada/message/3k',
  'at://did:plc:ada/co.kendev.spaces.message/3k/x',
  'https://did:plc:ada/co.kendev.spaces.message/3k',
  `at://did:plc:ada/co.kendev.spaces.message/${'k'.repeat(600)}`,
])('%s is not a reference', (uri) => {
  expect(readReference(uri)).toBeUndefined()
})
