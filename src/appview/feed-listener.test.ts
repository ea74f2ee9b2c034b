import { EventEmitter, getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { silentLog } from '../log.ts'
import { listenToFeeds } from './feed-listener.ts'

/** A connection that a test speaks through. */
class FakeClient extends EventEmitter {
  async connect(): Promise<void> {}
  async query(): Promise<void> {}
  async end(): Promise<void> {
    this.emit('end')
  }
  tell(owner: string): void {
    this.emit('notification', { payload: owner })
  }
}

function listener() {
  const clients: FakeClient[] = []
  const connect = () => {
    const client = new FakeClient()
    clients.push(client)
    return client
  }
  return { clients, feeds: listenToFeeds({ connect, log: silentLog }) }
}

test('a reader is woken by its own feed and leaves nothing behind at its signal', async () => {
  const { clients, feeds } = listener()
  await using _closing = feeds
  await new Promise(setImmediate)
  const { signal } = new AbortController()
  let woken = false
  for (let n = 0; n < 20; n++) {
    const grown = feeds.grown('did:plc:garage', signal).then(() => (woken = true))
    clients[0]!.tell('did:plc:bakery')
    await new Promise(setImmediate)
    expect(woken).toBe(false)
    clients[0]!.tell('did:plc:garage')
    await grown
    woken = false
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('everybody is woken when the connection was lost and is there again', async () => {
  const { clients, feeds } = listener()
  await using _closing = feeds
  await new Promise(setImmediate)
  const grown = feeds.grown('did:plc:garage', new AbortController().signal)
  clients[0]!.emit('error', new Error('terminating connection due to unexpected postmaster exit'))
  await grown
  expect(clients).toHaveLength(2)
})

test('a reader that leaves is let go', async () => {
  const { feeds } = listener()
  await using _closing = feeds
  const leaving = new AbortController()
  const grown = feeds.grown('did:plc:garage', leaving.signal)
  leaving.abort()
  await grown
})
