import { encode, toBytes } from '@atcute/cbor'
import { layerOf } from '../../src/firehose/mst-node.ts'
import { type Lie } from './lies.ts'
import { entryOf, firstOp, nested, nodeOf, replaceTree, writeRaw } from './tampering.ts'

/** Commits that are too large, too deep or not what the formats say. */
export const malformations: Lie[] = [
  {
    what: 'has more than 200 operations',
    reason: 'TooManyOps',
    tampering: () => ({
      parts: (parts) => {
        const op = firstOp(parts)
        parts.ops = Array.from({ length: 201 }, (_, index) => ({
          ...op,
          path: `${op.path}${index}`,
        }))
      },
    }),
  },
  {
    what: 'says that it was too big',
    reason: 'TooBig',
    moved: true,
    tampering: () => ({ message: (message) => void (message['tooBig'] = true) }),
  },
  {
    what: 'has blocks of more than two million bytes',
    reason: 'BlocksTooLarge',
    tampering: () => ({
      message: (message) => void (message['blocks'] = toBytes(Buffer.alloc(2_000_001))),
    }),
  },
  {
    what: 'has a frame of more than five million bytes',
    reason: 'FrameTooLarge',
    tampering: () => ({
      message: (message) => void (message['x'] = toBytes(Buffer.alloc(5_000_000))),
    }),
  },
  {
    what: 'has a CAR that ends in the middle',
    reason: 'BadCar',
    tampering: () => ({ car: (car) => car.subarray(0, car.length - 10) }),
  },
  {
    what: 'has a CAR that is noise',
    reason: 'BadCar',
    tampering: () => ({ car: (car) => Buffer.alloc(car.length, 0x5a) }),
  },
  {
    what: 'has a CAR whose header is a bomb',
    reason: 'BadCar',
    tampering: () => ({ car: () => Buffer.concat([Buffer.from([0xff, 0x7f]), nested(16_383)]) }),
  },
  {
    what: 'has an operation outside any collection',
    reason: 'BadMessage',
    moved: true,
    tampering: () => ({
      parts: (parts) => void (parts.ops[0] = { ...firstOp(parts), path: '../x' }),
    }),
  },
  {
    what: 'has an operation without the CID it needs',
    reason: 'BadMessage',
    tampering: () => ({ parts: (parts) => void (parts.ops[0] = { ...firstOp(parts), cid: null }) }),
  },
  {
    what: 'is of no account',
    reason: 'BadMessage',
    tampering: () => ({ message: (message) => void (message['repo'] = 'alice') }),
  },
  {
    what: 'holds a record nested 33 deep',
    reason: 'RecordTooDeep',
    moved: true,
    tampering: () => writeRaw(Buffer.concat([Buffer.from([0xa1, 0x61, 0x61]), nested(32)])),
  },
  {
    what: 'holds a record that is a bomb of 200,000 levels',
    reason: 'RecordTooDeep',
    moved: true,
    tampering: () => writeRaw(Buffer.concat([Buffer.from([0xa1, 0x61, 0x61]), nested(200_000)])),
  },
  {
    what: 'holds a record that is no map',
    reason: 'BadRecord',
    moved: true,
    tampering: () => writeRaw(encode([1, 2, 3])),
  },
  {
    what: 'holds a record that is not CBOR',
    reason: 'BadRecord',
    moved: true,
    tampering: () => writeRaw(Buffer.from([0xbf, 0xff])),
  },
  {
    what: 'holds a record of more than a million bytes',
    reason: 'RecordTooLarge',
    moved: true,
    tampering: () => writeRaw(encode({ text: 'x'.repeat(1_000_000) })),
  },
  {
    what: 'has a tree with its keys in the wrong order',
    reason: 'BadTree',
    moved: true,
    tampering: () =>
      replaceTree((key, value) => nodeOf([entryOf(0, key, value), entryOf(0, 'a.b.c/a', value)])),
  },
  {
    what: 'has a tree with keys of two layers in one node',
    reason: 'BadTree',
    moved: true,
    tampering: () =>
      replaceTree((key, value) => {
        let lower = key
        while (layerOf(lower) === layerOf(key)) lower += '~'
        return nodeOf([entryOf(0, key, value), entryOf(key.length, lower.slice(key.length), value)])
      }),
  },
  {
    what: 'has a tree node that is something else',
    reason: 'BadTree',
    moved: true,
    tampering: () => replaceTree(() => encode({ l: null, e: 'nothing' })),
  },
]
