import { nativeCrypto } from '../../src/crypto/native.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { type ReadEpoch, readEpoch } from '../../src/tokens/epoch.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { TRANSFER, type Transfer, transferRkey } from '../../src/tokens/transfer.ts'
import { certifyTransfer } from '../../src/validator/certify-transfer.ts'
import { type Person, anybodyGet } from '../person.ts'
import type { TokenNetwork } from './network.ts'

/** A transfer that stands in its sender's repo, and the proof of it. */
export type Written = {
  readonly account: string
  readonly record: Uint8Array
  readonly car: Uint8Array
}

type State = { seq: number; head?: string }

/** Payments of somebody whose account is on the first node. */
export function payments(network: Pick<TokenNetwork, 'nodes'>, from: Person) {
  const origin = () => network.nodes[0]!.origin
  return {
    /** Writes the sender's next transfer into their repo. */
    async write(
      to: string,
      amount: number,
      at: { genesis: ReadEpoch; epoch: ReadEpoch; state?: State },
      more: Partial<Transfer> = {},
    ): Promise<Written> {
      const { seq, head } = at.state ?? (await stateOf(origin(), from.did))
      const record: Transfer = {
        $type: TRANSFER,
        ledger: at.genesis.id,
        epoch: at.epoch.epoch.epoch,
        seq: seq + 1,
        ...(head !== undefined && { prev: head }),
        kind: 'peer_recognition',
        credits: [{ to, amount }],
        createdAt: new Date().toISOString(),
        signatures: [],
        ...more,
      }
      const rkey = transferRkey('AT', seq + 1)
      await from.put(`at://${from.did}/${TRANSFER}/${rkey}`, record as never)
      const query = new URLSearchParams({ did: from.did, collection: TRANSFER, rkey })
      const car = await fetch(`${origin()}/xrpc/com.atproto.sync.getRecord?${query.toString()}`)
      const bytes = new Uint8Array(await car.arrayBuffer())
      return { account: from.did, record: encodeRecord(record), car: bytes }
    },
    certify: (epoch: ReadEpoch, submission: Written) =>
      certifyTransfer({ crypto: nativeCrypto, fetch }, epoch, submission),
    readEpoch({ $bytes }: { $bytes: string }): ReadEpoch {
      const read = readEpoch(nativeCrypto, new Uint8Array(Buffer.from($bytes, 'base64')))
      if (isRefusal(read)) throw new Error(read.detail)
      return read
    },
  }
}

function stateOf(origin: string, account: string): Promise<State> {
  return anybodyGet<State>(origin, 'co.kendev.tokens.readAccountState', { account })
}
