import type { IncomingMessage } from 'node:http'
import { toBytes } from '@atcute/cbor'
import { ForbiddenError, InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { co } from '../lexicons/index.ts'
import { type ReadEpoch, readEpoch } from '../tokens/epoch.ts'
import { type Refusal, isRefusal } from '../tokens/refusal.ts'
import { sealBytes } from '../tokens/seal.ts'
import { addMethod } from './mount.ts'
import { type Seat, booksOf, followed, signingOf } from './seat.ts'

/** An epoch and a snapshot of persons, each as large as it may be, in base64. */
const WITH_SNAPSHOT = { jsonLimit: 1_500_000 }

/** Mounts what a validator answers about the end of its epoch. `callerOf` says by which account a
 *  request was signed; only the ledger's governance may close an epoch, the rest proves itself. */
export function mountEpochMethods(
  server: Server,
  of: {
    readonly seat: Seat
    readonly callerOf: (req: IncomingMessage, nsid: string) => Promise<string>
  },
): void {
  const { seat, callerOf } = of
  const { tokens } = co.kendev
  addMethod(server, tokens.closeEpoch, async ({ input, req }) => {
    const { desk, change } = signingOf(seat, input.ledger)
    const { opened } = desk
    const caller = await callerOf(req, tokens.closeEpoch.$nsid)
    const { governance } = opened.genesis.epoch
    if (caller !== governance) {
      throw new ForbiddenError(`Only ${governance} closes epochs of this ledger.`)
    }
    const { epoch } = opened.validator.current()
    if (input.epoch !== epoch.epoch) {
      throw new InvalidRequestError(`It is epoch ${epoch.epoch}.`, 'WrongEpoch')
    }
    if (input.stage === 'seal') await change.seal(input.epoch)
    else await change.drain(input.epoch)
    return { phase: opened.validator.current().phase }
  })
  addMethod(server, tokens.readSeal, async ({ params }) => {
    const { change } = booksOf(seat, params.ledger)
    const found = await change.sealed(params.epoch)
    if (!found) throw new InvalidRequestError('This epoch is not sealed here.', 'NotFound')
    const from = Number(params.cursor ?? 0) || 0
    const to = from + params.limit
    const more = to < found.transfers.length ? { cursor: String(to) } : {}
    const seal = toBytes(sealBytes(found.seal))
    return { seal, transfers: found.transfers.slice(from, to), ...more }
  })
  addMethod(server, tokens.concludeEpoch, async ({ input }) => {
    const { change } = booksOf(seat, input.ledger)
    return orThrow(await change.conclude(input.seals)).roots
  })
  mountNextEpoch(server, seat)
}

function mountNextEpoch(server: Server, seat: Seat): void {
  const { tokens } = co.kendev
  const sign = async ({ input }: { input: co.kendev.tokens.signEpoch.$InputBody }) => {
    const { change } = signingOf(seat, input.ledger)
    const signed = orThrow(await change.sign(readNext(input.epoch), input.personhood))
    return { signature: signed.signature }
  }
  const enter = async ({ input }: { input: co.kendev.tokens.enterEpoch.$InputBody }) => {
    const epochs = followed(seat, input.ledger)
    // Who only begins to validate with it has no books yet, and gets them from the others.
    epochs.take([input.epoch])
    const open = seat.desk()
    if (!open) return { epoch: epochs.current().epoch.epoch }
    orThrow(await open.change.enter(readNext(input.epoch), input.personhood))
    return { epoch: open.desk.opened.validator.current().epoch.epoch }
  }
  addMethod(server, tokens.signEpoch, sign, WITH_SNAPSHOT)
  addMethod(server, tokens.enterEpoch, enter, WITH_SNAPSHOT)
}

function readNext(record: Uint8Array): ReadEpoch {
  return orThrow(readEpoch(crypto, record))
}

function orThrow<T>(result: T | Refusal): T {
  if (isRefusal(result)) throw new InvalidRequestError(result.detail, result.reason)
  return result
}
