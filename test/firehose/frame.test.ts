import { encode } from '@atcute/cbor'
import { expect, test } from 'vitest'
import { decodeFrame } from '../../src/firehose/frame.ts'
import { type RefusalReason } from '../../src/firehose/refusal.ts'
import { encodeFrame } from './fake-repo.ts'
import { nested } from './tampering.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'

const frames: [string, Uint8Array, RefusalReason][] = [
  ['empty', new Uint8Array(0), 'BadFrame'],
  ['noise', Buffer.alloc(500, 0x5a), 'BadFrame'],
  ['a header alone', encode({ op: 1, t: '#commit' }), 'BadFrame'],
  ['a bomb in the header', nested(100_000), 'FrameTooDeep'],
  [
    'a bomb in the payload',
    Buffer.concat([encode({ op: 1, t: '#commit' }), nested(100_000)]),
    'FrameTooDeep',
  ],
  [
    'a million empty lists',
    encodeFrame('#commit', { ops: Array.from({ length: 1_000_000 }, () => []) }),
    'FrameTooDeep',
  ],
  [
    'a list that says it is long',
    Buffer.concat([encode({ op: 1, t: '#x' }), Buffer.from([0x9a, 255, 255, 255, 255])]),
    'BadFrame',
  ],
  ['a third part', Buffer.concat([encodeFrame('#identity', {}), encode({})]), 'BadFrame'],
  [
    'a list for a payload',
    Buffer.concat([encode({ op: 1, t: '#commit' }), encode([])]),
    'BadFrame',
  ],
  [
    'an unknown operation',
    Buffer.concat([encode({ op: 2, t: '#commit' }), encode({})]),
    'BadFrame',
  ],
  ['a message without fields', encodeFrame('#commit', {}), 'BadMessage'],
  [
    'a sequence number below zero',
    encodeFrame('#identity', { seq: -1, did: DID, time: '' }),
    'BadMessage',
  ],
]

for (const [what, frame, reason] of frames) {
  test(`a frame that is ${what} is refused as ${reason}`, () => {
    expect(decodeFrame(frame)).toMatchObject({ kind: 'refused', refusal: { reason } })
  })
}
