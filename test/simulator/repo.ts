import { encode, toBytes } from '@atcute/cbor'
import { type Signer } from '../../src/crypto/ecdsa.ts'
import { type Block, type Tree, blockOf, buildTree, carBytes } from './tree.ts'

/** All of a repo at one signed commit. */
export type RepoState = {
  did: string
  rev: string
  /** record blocks by path */
  records: ReadonlyMap<string, Block>
  tree: Tree
  commit: Block
}

/** A write as a world says it; a null block is a delete. */
export type Write = { path: string; block: Block | null }

/** What lies between two commits of a repo. */
export type Change = { before: RepoState; after: RepoState; writes: readonly Write[] }

/** How a commit is signed. */
export type Signing = { rev: string; signer: Signer }

/** The repo at its first commit. */
export function firstState(did: string, signing: Signing): RepoState {
  return signed({ did, records: new Map() }, signing)
}

/** The repo after some writes. */
export function change(before: RepoState, writes: readonly Write[], signing: Signing): Change {
  const records = new Map(before.records)
  for (const { path, block } of writes) {
    if (block === null) records.delete(path)
    else records.set(path, block)
  }
  return { before, after: signed({ ...before, records }, signing), writes }
}

/** The same records under another signature or revision. */
export function signedAnew(state: RepoState, signing: Signing): RepoState {
  return signed(state, signing)
}

type Unsigned = Pick<RepoState, 'did' | 'records'> & { tree?: Tree }

/** `of.tree` is that of an earlier state. */
function signed(of: Unsigned, how: Signing): RepoState {
  const { did, records } = of
  const tree = buildTree(records, of.tree)
  const unsigned = { did, version: 3, data: tree.root, rev: how.rev, prev: null }
  const sig = toBytes(how.signer.sign(encode(unsigned)))
  return { did, rev: how.rev, records, tree, commit: blockOf({ ...unsigned, sig }) }
}

/** A message of the event stream without its number. */
export type Message = { type: string; body: Record<string, unknown> }

/** The message of a commit with the blocks that prove it: the new nodes, and the ways to each key
 *  and to its neighbours. */
export function commitMessage({ before, after, writes }: Change, time: string): Message {
  const ops = writes.map(({ path, block }) => {
    const prev = before.records.get(path)?.cid
    const cid = block?.cid ?? null
    const action = cid === null ? 'delete' : prev ? 'update' : 'create'
    return { action, path, cid, ...(prev && { prev }) }
  })
  const body = {
    repo: after.did,
    commit: after.commit.cid,
    rev: after.rev,
    since: before.rev,
    prevData: before.tree.root,
    blocks: toBytes(carBytes(after.commit.cid, proofOf({ before, after, writes }))),
    ops,
    blobs: [],
    rebase: false,
    tooBig: false,
    time,
  }
  return { type: '#commit', body }
}

/** The blocks of a commit's slice. */
export function proofOf({ before, after, writes }: Change): Block[] {
  const blocks = new Map<string, Block>()
  const add = (block: Block): void => void blocks.set(block.link, block)
  add(after.commit)
  for (const [key, node] of after.tree.nodes) if (!before.tree.nodes.has(key)) add(node)
  const keys = [...after.records.keys()].toSorted()
  for (const { path, block } of writes) {
    const neighbours = [keys.findLast((key) => key < path), keys.find((key) => key > path)]
    for (const key of [path, ...neighbours]) {
      if (key !== undefined) after.tree.path(key).forEach(add)
    }
    if (block !== null) add(block)
  }
  return [...blocks.values()]
}

/** The message that a repo is at a commit. */
export function syncMessage(state: RepoState, time: string): Message {
  const blocks = toBytes(carBytes(state.commit.cid, [state.commit]))
  return { type: '#sync', body: { did: state.did, rev: state.rev, blocks, time } }
}

/** A message as it goes over the wire. */
export function frameOf(seq: number, { type, body }: Message): Uint8Array {
  return Buffer.concat([encode({ op: 1, t: type }), encode({ seq, ...body })])
}

/** The whole repo as `com.atproto.sync.getRepo` gives it. */
export function repoCar(state: RepoState): Uint8Array {
  const blocks = [state.commit, ...state.tree.nodes.values(), ...state.records.values()]
  return carBytes(state.commit.cid, blocks)
}

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'

/** The revision of a moment in microseconds. */
export function revOf(micros: number): string {
  let text = ''
  for (let left = micros; text.length < 11; left = Math.floor(left / 32)) {
    text = DIGITS[left % 32]! + text
  }
  return `${text}22`
}
