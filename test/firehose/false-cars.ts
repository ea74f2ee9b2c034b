import { encode, toBytes } from '@atcute/cbor'
import { cidOf } from './fake-repo.ts'
import { type Lie } from './lies.ts'

/** CARs that are not what the format says, or that lack what they start from. */
export const falseCars: Lie[] = [
  {
    what: 'has a CAR without the commit it starts from',
    reason: 'MissingCommit',
    tampering: () => ({
      car: (car) => Buffer.concat([headerOf(car), blocksOf(car).subarray(entrySize(car))]),
    }),
  },
  {
    what: 'has a CAR with two roots',
    reason: 'BadCar',
    tampering: () => ({
      car: (car) => Buffer.concat([header([cidOf(car), cidOf(car)]), blocksOf(car)]),
    }),
  },
  {
    what: 'has a CAR without a root',
    reason: 'BadCar',
    tampering: () => ({ car: (car) => Buffer.concat([header([]), blocksOf(car)]) }),
  },
  {
    what: 'has a CAR with a block that is no DAG-CBOR',
    reason: 'BadCar',
    tampering: () => ({
      car: (car) => {
        const { bytes } = cidOf(Buffer.from('raw'))
        const cid = Uint8Array.from(bytes, (byte, at) => (at === 1 ? 0x55 : byte))
        return Buffer.concat([car, Buffer.from([36 + 3]), cid, Buffer.from('raw')])
      },
    }),
  },
  {
    what: 'has a CAR with a block longer than the CAR',
    reason: 'BadCar',
    tampering: () => ({
      car: (car) => Buffer.concat([car, Buffer.from([0xff, 0xff, 0x7f]), cidOf(car).bytes]),
    }),
  },
  {
    what: 'has a CAR with a block shorter than its CID',
    reason: 'BadCar',
    tampering: () => ({ car: (car) => Buffer.concat([car, Buffer.from([1, 0])]) }),
  },
  {
    what: 'has a CAR with a length that never ends',
    reason: 'BadCar',
    tampering: () => ({ car: (car) => Buffer.concat([car, Buffer.alloc(500, 0xff)]) }),
  },
  {
    what: 'has a CAR with a length beyond any memory',
    reason: 'BadCar',
    tampering: () => ({
      car: (car) => Buffer.concat([car, Buffer.alloc(7, 0xff), Buffer.from([0x7f]), car]),
    }),
  },
  {
    what: 'has blocks that are a list',
    reason: 'BadMessage',
    tampering: () => ({ message: (message) => void (message['blocks'] = [toBytes(Buffer.of(1))]) }),
  },
]

/** The same blocks once more, and one that nothing needs. */
export function withMoreBlocks(car: Uint8Array): Uint8Array {
  const bytes = encode({ text: 'nobody needs this' })
  const extra = [Buffer.from([36 + bytes.length]), cidOf(bytes).bytes, bytes]
  return Buffer.concat([car, blocksOf(car), ...extra])
}

function header(roots: object[]): Uint8Array {
  const bytes = encode({ roots, version: 1 })
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

function headerOf(car: Uint8Array): Uint8Array {
  return car.subarray(0, (car[0] ?? 0) + 1)
}

function blocksOf(car: Uint8Array): Uint8Array {
  return car.subarray((car[0] ?? 0) + 1)
}

/** Bytes of the first entry; the length of a commit, 128 to 16,383, takes two of them. */
function entrySize(car: Uint8Array): number {
  const [low = 0, high = 0] = blocksOf(car)
  return 2 + (low & 0x7f) + high * 128
}
