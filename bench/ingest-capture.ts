import { WebSocket } from 'ws'
import { decodeFrame } from '../src/firehose/frame.ts'
import type { CommitMessage } from '../src/firehose/message.ts'
import { identityOf, parseDocument } from '../src/identity/identity.ts'
import { WriteLoad } from './write-load.ts'
import { serverProcess } from './write-server.ts'

/** A frame of one create as the reference PDS has sent it, with the key it was signed by. */
export type Captured = {
  frame: Uint8Array
  message: CommitMessage
  identity: { did: string; signingKey: string }
}

const ACCOUNTS = 20
const WRITERS = 4
const PATIENCE_MS = 60_000

/** Has the reference PDS, in a process of its own, write `count` records one by one, and returns
 *  the frames of these commits from its event stream. */
export async function captureCreates(count: number): Promise<Captured[]> {
  const server = await serverProcess('bare').start()
  const load = new WriteLoad(server.origin, WRITERS)
  try {
    await load.createAccounts(ACCOUNTS)
    await load.run({ clients: WRITERS, ms: 0, atLeast: count })
    const created = await readCreates(server.origin, count)
    const dids = new Set(created.map(({ message }) => message.did))
    const keys = new Map<string, string>()
    for (const did of dids) keys.set(did, await signingKeyOf(server.origin, did))
    return created.map(({ frame, message }) => {
      const { did } = message
      return { frame, message, identity: { did, signingKey: keys.get(did) ?? '' } }
    })
  } finally {
    load.close()
    await server.close()
  }
}

type Created = Pick<Captured, 'frame' | 'message'>

function readCreates(origin: string, count: number): Promise<Created[]> {
  const url = `${origin.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos?cursor=0`
  const socket = new WebSocket(url)
  const created: Created[] = []
  return new Promise<Created[]>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the stream ended early')), PATIENCE_MS)
    socket.on('error', reject)
    socket.on('message', (data: Buffer) => {
      const decoded = decodeFrame(data)
      if (decoded.kind !== 'message' || decoded.message.kind !== 'commit') return
      const { message } = decoded
      if (message.ops.length === 1) created.push({ frame: data, message })
      if (created.length < count) return
      clearTimeout(timer)
      resolve(created)
    })
  }).finally(() => socket.terminate())
}

async function signingKeyOf(origin: string, did: string): Promise<string> {
  const url = `${origin}/xrpc/com.atproto.repo.describeRepo?repo=${did}`
  const { didDoc } = (await (await fetch(url)).json()) as { didDoc: unknown }
  const document = parseDocument(did, didDoc)
  const identity = document && identityOf(document)
  if (identity === undefined) throw new Error(`${did} has no usable document`)
  return identity.signingKey
}
