import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Payer,
  type Town,
  applyWith,
  foundTown,
  lockWith,
  orderOf,
  payer,
} from '../../test/tokens/town.ts'
import { systemTimers } from '../clock.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { silentLog } from '../log.ts'
import type { Certificate } from '../tokens/certificate.ts'
import type { Transfer } from '../tokens/transfer.ts'
import { nextAnswer } from '../tokens/worth/exchange-state.ts'
import type { ExchangeAnswer } from '../tokens/worth/unmatched-legs.ts'
import type { Answer } from './answer-record.ts'
import { type ExchangeParts, exchangeRound } from './answer-exchanges.ts'

const [ADA, LP] = [payer('ada'), payer('lp')]
const NOON = Date.parse('2026-11-28T12:00:00.000Z')
const at = (seconds: number) => new Date(NOON + seconds * 1_000).toISOString()
class Killed extends Error {}

/** Two ledgers, a provider with tokens on both, and payments to it; `amounts` under what the quote
 *  asks for are given back. */
async function stage(amounts: readonly number[], has = 1_000) {
  const towns = await Promise.all(
    ['one', 'two'].map((name) =>
      foundTown(4, [
        { kind: 'system_grant', amount: has, to: LP.did },
        { kind: 'system_grant', amount: name === 'one' ? 7_000 : 5_000, to: ADA.did },
      ]),
    ),
  )
  const [one, two] = towns as [Town, Town]
  const codeOf = (town: Town) => (town === one ? 'AT' : 'BT')
  const townOf = (ledger: string) => towns.find(({ genesis }) => genesis.id === ledger)!
  const repo = new Map<string, Transfer>()
  const published: Certificate[] = []
  const clock = { seconds: 20 }
  const quote = { uri: 'at://did:plc:lp/quote/1', cid: one.genesis.id }
  const payments = amounts.map((amount, n) => ({
    id: `paid ${n}`,
    uri: `at://${ADA.did}/paid/${n}`,
    from: ADA.did,
    to: LP.did,
    amount: BigInt(amount),
    fee: 0n,
    at: at(n),
  }))
  /** What the views of the node know: published certificates only. */
  const dues = async (): Promise<Answer[]> => {
    const answers = published.flatMap(({ account, seq, ledger }): ExchangeAnswer[] => {
      const { ref, exchange, credits } = repo.get(`${codeOf(townOf(ledger))} ${seq}`)!
      const { id } = payments.find(({ uri }) => uri === ref!.uri)!
      const { to, amount } = credits[0]!
      const leg = exchange!.leg as ExchangeAnswer['leg']
      return [{ leg, answers: id, from: account, to, amount: BigInt(amount) }]
    })
    return payments.flatMap((paid) => {
      const history = {
        quote: { num: 2n, den: 1n, fee: 0n, minOut: 200n, expiresAt: at(60) },
        deliverBy: NOON + 600_000,
        payments: [paid],
        answers,
      }
      const next = nextAnswer(history, paid, NOON + clock.seconds * 1_000)
      const ledgers = [one.genesis.id, two.genesis.id]
      const ledger = ledgers[next?.leg === 'refund' ? 0 : 1]!
      const about = { paid: { uri: paid.uri, cid: one.genesis.id }, quote, to: ADA.did }
      return next ? [{ ...about, ...next, ledger, ledgers }] : []
    })
  }
  const asked = { left: Number.POSITIVE_INFINITY, certifies: true }
  /** A place at which the process may be killed. */
  const step = () => {
    asked.left -= 1
    if (asked.left < 0) throw new Killed()
  }
  const parts: ExchangeParts = {
    crypto,
    providers: async () => [LP.did],
    dues,
    epoch: async (ledger) => {
      const { genesis } = townOf(ledger)
      const code = codeOf(townOf(ledger))
      return { ...genesis, epoch: { ...genesis.epoch, code } }
    },
    state: async ({ id }) => {
      const account = townOf(id).members[0]!.store.accounts.get(LP.did)!
      const { seq, head, balance } = account
      return { seq, balance, ...(head !== undefined && { head }) }
    },
    own: async (_, code, after) =>
      [...repo]
        .filter(([key]) => key.startsWith(code))
        .map(([rkey, { epoch, seq, ref }]) => ({ rkey, epoch, seq, ...(ref && { ref: ref.uri }) }))
        .filter(({ seq }) => seq > after),
    write: async (_, rkey, record, over) => {
      step()
      const key = `${rkey.split('.')[0]!.toUpperCase()} ${record.seq}`
      if (over === 'nothing' && repo.has(key)) throw new Error('something stands there')
      repo.set(key, record)
      step()
    },
    certify: async ({ epoch, id }, _, rkey) => {
      const town = townOf(id)
      const record = repo.get(`${epoch.code} ${Number(rkey.split('.')[1] ?? rkey.split(' ')[1])}`)!
      if (!asked.certifies) return { status: 'pending', detail: 'nobody answers' }
      const order = orderAgain(town, LP, record)
      const lock = await lockWith(order, town.members)
      step()
      const apply = await applyWith(order, lock, town.members)
      step()
      return { status: 'final', lock, apply }
    },
    publish: async (_, certificate) => {
      step()
      published.push(certificate)
      step()
    },
    signer: async () => LP.signer,
    timers: { ...systemTimers, now: () => new Date(NOON + clock.seconds * 1_000) },
    log: silentLog,
  }
  const balances = () => towns.map(({ members }) => members[0]!.store.accounts.get(LP.did)!.balance)
  return { parts, asked, clock, repo, published, balances }
}

function orderAgain(town: Town, from: Payer, record: Transfer) {
  return orderOf(town, from, { ...record, signatures: [] })
}

/** The legs that stand in the repo, by the payment that they answer. */
function answersIn(repo: ReadonlyMap<string, Transfer>): string[] {
  const legs = [...repo.values()].map(({ ref, exchange, credits }) => {
    return `${ref!.uri.at(-1)} ${exchange!.leg} ${credits[0]!.amount}`
  })
  return legs.toSorted()
}

test('what takes the quote is delivered, and what does not is given back', async () => {
  const { parts, repo, balances } = await stage([100, 99, 150])
  const round = exchangeRound(parts)
  await round()
  expect(answersIn(repo)).toEqual(['0 delivered 200', '1 refund 99', '2 delivered 300'])
  expect(balances()).toEqual([901n, 500n])
  await round()
  expect(balances()).toEqual([901n, 500n])
})

test('who cannot deliver in time gives back, and does neither twice', async () => {
  const { parts, repo, clock, balances } = await stage([100], 150)
  const round = exchangeRound(parts)
  await round()
  expect(answersIn(repo)).toEqual([])
  clock.seconds = 600
  await round()
  await round()
  expect(answersIn(repo)).toEqual(['0 refund 100'])
  expect(balances()).toEqual([50n, 150n])
})

test('an answer that is written is no other a moment later, though nobody certifies it yet', async () => {
  const { parts, repo, asked, clock, published } = await stage([100])
  asked.certifies = false
  await exchangeRound(parts)()
  clock.seconds = 700
  await exchangeRound(parts)()
  expect(answersIn(repo)).toEqual(['0 delivered 200'])
  asked.certifies = true
  await exchangeRound(parts)()
  expect(published).toHaveLength(1)
  expect(answersIn(repo)).toEqual(['0 delivered 200'])
})

test('a node that is killed between any two steps answers each payment once', async () => {
  const amount = fc.constantFrom(99, 100, 120)
  await fc.assert(
    fc.asyncProperty(
      fc.array(amount, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat({ max: 9 }), { maxLength: 6 }),
      async (amounts, kills) => {
        const { parts, asked, repo, balances } = await stage(amounts)
        for (const left of [...kills, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]) {
          asked.left = left
          // Nothing but the repo and what was published outlives the process.
          await exchangeRound(parts)()
        }
        const due = amounts.map((one, n) =>
          one < 100 ? `${n} refund ${one}` : `${n} delivered ${one * 2}`,
        )
        expect(answersIn(repo)).toEqual(due.toSorted())
        const [back, out] = [
          amounts.filter((one) => one < 100).reduce((all, one) => all + one, 0),
          amounts.filter((one) => one >= 100).reduce((all, one) => all + one * 2, 0),
        ]
        expect(balances()).toEqual([1_000n - BigInt(back), 1_000n - BigInt(out)])
      },
    ),
    { numRuns: 60 },
  )
})
