import { Secp256k1Keypair } from '@atproto/crypto'
import SqliteDatabase from 'better-sqlite3'
import { flushToDisk } from '../src/pds/fast/group-sync.ts'
import { type Switches, defaultSwitches } from '../src/pds/fast/switches.ts'
import { startPds, startPlc } from '../test/fast/pds.ts'
import { startNetwork } from '../test/network.ts'
import { type Counters, type FromChild, type ToChild } from './write-server.ts'

const NAMES = ['prepares', 'closes', 'jsSignatures', 'syncs'] as const
const counters: Counters = { prepares: 0, closes: 0, jsSignatures: 0, syncs: 0 }

function count<T extends object>(owner: T, method: keyof T & string, name: keyof Counters): void {
  const original: unknown = Reflect.get(owner, method)
  if (typeof original !== 'function') throw new Error(`there is no ${method}`)
  Object.assign(owner, {
    [method](this: unknown, ...args: unknown[]): unknown {
      counters[name]++
      return Reflect.apply(original, this, args)
    },
  })
}

const [kind, ...flags] = process.argv.slice(2)
const off = flags.map((flag) => flag.replace('--no-', ''))
const switches: Switches = {
  ...defaultSwitches,
  ...Object.fromEntries(off.map((name) => [name, false])),
}
// A handful of increments per request: both sides pay for them.
count(SqliteDatabase.prototype, 'prepare', 'prepares')
count(SqliteDatabase.prototype, 'close', 'closes')
count(Secp256k1Keypair.prototype, 'sign', 'jsSignatures')
const server = await (kind === 'node' ? startNode() : startPdsAlone())
const say = (message: FromChild): void => void process.send?.(message)
process.on('message', (message: ToChild) => {
  if (message !== 'counters') return
  say({ counters: { ...counters } })
  for (const name of NAMES) counters[name] = 0
})
process.on('disconnect', () => {
  void server.close().finally(() => process.exit())
})
say({ origin: server.origin })

async function startPdsAlone(): Promise<{ origin: string; close(): Promise<void> }> {
  const plc = await startPlc()
  const pds = await startPds({
    plcUrl: plc.url,
    ...(kind === 'fast' && { switches }),
    flush: (fd, path) => {
      counters.syncs++
      return flushToDisk(fd, path)
    },
  })
  return { origin: pds.origin, close: () => pds.close().then(() => plc.close()) }
}

/** Everything: the PDS, its firehose read and verified, and the views of every record. */
async function startNode(): Promise<{ origin: string; close(): Promise<void> }> {
  const network = await startNetwork()
  const origin = network.nodes[0]!.url.replace('localhost', '127.0.0.1')
  return { origin, close: async () => network[Symbol.asyncDispose]() }
}
