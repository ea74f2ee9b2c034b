import { encode } from '@atcute/cbor'
import { cidOf } from './fake-repo.ts'
import { type Lie } from './lies.ts'
import { firstOp } from './tampering.ts'

const other = cidOf(encode({ text: 'another' }))

/** Lies about what a commit has changed, while the tree is the account's own. */
export const falseOps: Lie[] = [
  {
    what: 'leaves out its one operation',
    reason: 'BadInversion',
    moved: true,
    tampering: () => ({ parts: (parts) => void (parts.ops = []) }),
  },
  {
    what: 'names another tree before than the operations lead back to',
    reason: 'BadInversion',
    moved: true,
    tampering: () => ({ parts: (parts) => void (parts.prevData = other) }),
  },
  {
    what: 'says that it is the first, though the tree held records',
    reason: 'BadInversion',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        parts.since = null
        parts.prevData = null
      },
    }),
  },
  {
    what: 'follows another one and names no tree before',
    reason: 'BadMessage',
    moved: true,
    tampering: () => ({ parts: (parts) => void (parts.prevData = null) }),
  },
  {
    what: 'calls a new record a changed one',
    reason: 'BadInversion',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        parts.ops[0] = { ...firstOp(parts), action: 'update', prev: other }
      },
    }),
  },
  {
    what: 'changes a record without saying what it was',
    reason: 'BadMessage',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        parts.ops[0] = { ...firstOp(parts), action: 'update' }
      },
    }),
  },
  {
    what: 'deletes a record without saying what it was',
    reason: 'BadMessage',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        const { path } = firstOp(parts)
        parts.ops.push({ action: 'delete', path: `${path}-`, cid: null })
      },
    }),
  },
  {
    what: 'says what a new record was before',
    reason: 'BadMessage',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        parts.ops[0] = { ...firstOp(parts), prev: other }
      },
    }),
  },
  {
    what: 'deletes a record that never was',
    reason: 'BadInversion',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        const { path } = firstOp(parts)
        parts.ops.push({ action: 'delete', path: `${path}-`, cid: null, prev: other })
      },
    }),
  },
  {
    what: 'has the same operation twice',
    reason: 'BadMessage',
    moved: true,
    tampering: () => ({ parts: (parts) => void parts.ops.push(firstOp(parts)) }),
  },
  {
    what: 'deletes and writes on one path',
    reason: 'BadMessage',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        const { path } = firstOp(parts)
        parts.ops.unshift({ action: 'delete', path, cid: null, prev: other })
      },
    }),
  },
]
