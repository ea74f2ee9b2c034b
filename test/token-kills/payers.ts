import { nativeCrypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { type Subject, attest } from '../../src/tokens/attestation.ts'
import { type Certificate, assemble } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { type ReadEpoch, readEpoch } from '../../src/tokens/epoch.ts'
import type { Order } from '../../src/tokens/ledger-view.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { between } from '../fast/random.ts'
import { NOON, type Payer, didOf, firstEpoch, orderOf, payer } from '../tokens/town.ts'
import type { Oracle } from './oracle.ts'
import type { ValidatorProcess } from './validator-process.ts'

export const UNDER_TEST = didOf('validatora')
const GRANT = 1_000_000_000
const NAMES = ['ada', 'ben', 'cleo', 'dan', 'eve', 'fay']

/** A number of an account: what is wanted at it, and what was certified. */
type Place = { readonly wanted: readonly Order[]; certified?: Certificate; chosen?: Order }

/** People who pay each other at one ledger, each with one number at a time, at times with two
 *  transfers for it, and the three validators beside the one under test, which sign what the
 *  people have settled on. */
export class Payers {
  readonly genesis: ReadEpoch
  readonly #oracle: Oracle
  readonly #people: readonly Payer[] = NAMES.map(payer)
  readonly #pool = payer('pool')
  readonly #others = ['b', 'c', 'd'].map((letter) => ({
    did: didOf(`validator${letter}`),
    signer: p256Signer(),
  }))
  readonly #heads = new Map<string, { seq: number; id: string }>()
  readonly #open = new Map<string, Place>()
  /** What was applied, as the validator has said, in the order of each account. */
  readonly applied: Order[] = []

  constructor(oracle: Oracle, key: string) {
    this.#oracle = oracle
    const validators = [
      { did: UNDER_TEST, key },
      ...this.#others.map(({ did, signer }) => ({ did, key: signer.didKey })),
    ]
    const gifts = this.#people.map(({ did }) => ({
      kind: 'system_grant' as const,
      amount: GRANT,
      to: did,
    }))
    const budget = { kind: 'karma_reward' as const, amount: GRANT, pool: this.#pool.did }
    const record = firstEpoch(validators, [...gifts, budget])
    const genesis = readEpoch(nativeCrypto, encodeRecord(record))
    if (isRefusal(genesis)) throw new Error(genesis.detail)
    this.genesis = genesis
  }

  /** What everybody has, by what was applied; the pool has its budget less what it gave. */
  balances(): Map<string, bigint> {
    const all = [...this.#people, this.#pool].map(({ did }) => [did, BigInt(GRANT)] as const)
    const sums = new Map(all)
    for (const { account, transfer, total } of this.applied) {
      sums.set(account, sums.get(account)! - total)
      for (const { to, amount } of transfer.credits) sums.set(to, sums.get(to)! + BigInt(amount))
    }
    return sums
  }

  /** All pay, one transfer after the other, until the validator ends. */
  async pay(validator: ValidatorProcess, random: () => number): Promise<void> {
    const all = [...this.#people, this.#pool]
    await Promise.all(
      all.map(async (one) => {
        while (await this.#step(validator, one, random));
      }),
    )
  }

  /** Asks again for everything that is under way, until all of it is applied. */
  async finish(validator: ValidatorProcess, random: () => number): Promise<void> {
    const under = [...this.#people, this.#pool].filter(({ did }) => this.#open.has(did))
    for (const one of under) {
      if (!(await this.#step(validator, one, random))) throw new Error('it ended by itself')
    }
  }

  /** One number of one account to its end; false when the validator has ended before. */
  async #step(validator: ValidatorProcess, from: Payer, random: () => number): Promise<boolean> {
    const place = this.#open.get(from.did) ?? this.#want(from, random)
    this.#open.set(from.did, place)
    const asked = await Promise.all(place.wanted.map((order) => this.#submit(validator, order)))
    if (asked.includes(undefined)) return false
    if (!place.certified) this.#settle(place, random)
    const { chosen, certified } = place as Required<Place>
    const answer = await validator.apply(chosen, certified)
    if (!answer) return false
    if (!answer.ok || !('attestation' in answer)) {
      throw new Error(`a certificate was answered ${JSON.stringify(answer)}`)
    }
    this.#oracle.saw(answer.about, answer.attestation)
    this.applied.push(chosen)
    this.#heads.set(from.did, { seq: chosen.transfer.seq, id: chosen.id })
    this.#open.delete(from.did)
    return true
  }

  #want(from: Payer, random: () => number): Place {
    const head = this.#heads.get(from.did)
    const town = { genesis: this.genesis, crypto: nativeCrypto, now: NOON }
    const order = (): Order => {
      const others = this.#people.filter(({ did }) => did !== from.did)
      const to = others[between(random, 0, others.length - 1)]!.did
      return orderOf(town, from, {
        seq: (head?.seq ?? 0) + 1,
        ...(head && { prev: head.id }),
        kind: from === this.#pool ? 'karma_reward' : 'peer_recognition',
        credits: [{ to, amount: between(random, 1, 1_000_000) }],
      })
    }
    return { wanted: between(random, 0, 2) === 0 ? [order(), order()] : [order()] }
  }

  /** True when it was answered at all; of two transfers one is refused by name. */
  async #submit(validator: ValidatorProcess, order: Order): Promise<true | undefined> {
    const answer = await validator.submit(order)
    if (!answer) return undefined
    const { account, transfer, id } = order
    if (!answer.ok) {
      if (!['Equivocation', 'AlreadyCertified'].includes(answer.reason)) {
        throw new Error(`${answer.reason}: ${answer.detail}`)
      }
      this.#oracle.refused.add(`${account} ${transfer.seq}`)
    } else if ('attestation' in answer) this.#oracle.saw(answer.about, answer.attestation)
    else if (answer.applied.id !== id) throw new Error(`${id} is answered with another transfer`)
    return true
  }

  /** The other validators sign what the one under test has voted for, or at times the other. */
  #settle(place: Place, random: () => number): void {
    const { account, transfer } = place.wanted[0]!
    const { seq, prev } = transfer
    const vote = this.#oracle.votes.get(`lock ${account} ${seq}`)
    const voted = place.wanted.find(({ id }) => id === vote?.transfer)
    if (!voted) throw new Error(`nothing was voted for at ${account} ${seq}`)
    const rival = place.wanted.find((one) => one !== voted && one.id !== voted.id)
    const chosen = rival && between(random, 0, 1) === 0 ? rival : voted
    const { ledger, epoch } = transfer
    const committee = this.genesis.id
    const before = prev === undefined ? {} : { prev }
    const rest = { committee, account, seq, ...before, transfer: chosen.id }
    const about: Subject = { phase: 'lock', ledger, epoch, ...rest }
    const votes = this.#others.map(({ did, signer }) =>
      attest(nativeCrypto, signer, about, {
        validator: did,
        senderKey: chosen.senderKey,
        observedAt: NOON,
      }),
    )
    place.chosen = chosen
    place.certified = assemble(about, votes)
  }
}
