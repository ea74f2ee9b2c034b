import { startNetwork } from '../test/network.ts'
import { createPerson } from '../test/person.ts'

/** What the parent needs to write into this node and to look into its views. */
export type VisibleTarget = {
  origin: string
  databaseUrl: string
  did: string
  token: string
  space: string
  channel: string
}

const stopped = new Promise((resolve) => process.once('disconnect', resolve))
await using network = await startNetwork()
const node = network.nodes[0]!
const origin = node.url.replace('localhost', '127.0.0.1')
const ada = await createPerson(origin, 'ada.node1.test')
const space = await ada.call<{ did: string }>('co.kendev.spaces.createSpace', { name: 'Bench' })
const { items } = await ada.get<{ items: { uri: string }[] }>('co.kendev.spaces.listChannels', {
  space: space.did,
})
process.send!({
  origin,
  databaseUrl: node.databaseUrl,
  did: ada.did,
  token: ada.token,
  space: space.did,
  channel: items[0]!.uri,
} satisfies VisibleTarget)
await stopped
