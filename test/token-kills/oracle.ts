import { fromBytes } from '@atcute/cbor'
import { nativeCrypto } from '../../src/crypto/native.ts'
import {
  type Attestation,
  type Subject,
  batchContent,
  checkAttestation,
} from '../../src/tokens/attestation.ts'
import { cidOf } from '../../src/tokens/encoding.ts'

type Seen = { readonly transfer: string; readonly senderKey: string; readonly observedAt: string }

/** Keeps every signature that has left a validator, outside of its process and its books. */
export class Oracle {
  readonly #key: string
  readonly votes = new Map<string, Seen>()
  /** Numbers for which a rival was refused. */
  readonly refused = new Set<string>()
  readonly #batches = new Map<number, string>()
  /** Votes that were asked for again and came again. */
  again = 0

  constructor(key: string) {
    this.#key = key
  }

  /** Takes a signature in; throws when it and an earlier one could not both be. */
  saw(about: Subject, by: Attestation): void {
    const fault = checkAttestation(nativeCrypto, about, by, { key: this.#key })
    if (fault) throw new Error(`a signature that left is ${fault.reason}: ${fault.detail}`)
    const { phase, account, seq, transfer } = about
    const { senderKey, observedAt } = by
    const place = `${phase} ${account} ${seq}`
    const now: Seen = { transfer, senderKey, observedAt }
    const before = this.votes.get(place)
    if (before && JSON.stringify(before) !== JSON.stringify(now)) {
      throw new Error(`two votes: ${place} ${JSON.stringify(before)} and ${JSON.stringify(now)}`)
    }
    if (before) this.again += 1
    this.votes.set(place, now)
    this.#sawBatch(about, by)
  }

  #sawBatch(about: Subject, { validator, batch }: Attestation): void {
    if (!batch) return
    const head = cidOf(nativeCrypto, batchContent(about, validator, batch))
    const known = this.#batches.get(batch.number) ?? head
    if (known !== head || fromBytes(batch.root).length !== 32) {
      throw new Error(`two batches have the number ${batch.number}`)
    }
    this.#batches.set(batch.number, head)
  }
}
