import type { SqlPool } from '../../src/database/sql.ts'
import type { Oracle } from './oracle.ts'
import type { Payers } from './payers.ts'

type Row = { account: string; seq: string; id: string; observedAt: string }

/** Everything that is not in the books as it must be: each vote that left, each certificate that
 *  was applied, the evidence of each refusal, and what everybody has. */
export async function wrongs(pool: SqlPool, oracle: Oracle, payers: Payers): Promise<string[]> {
  const ledger = payers.genesis.id
  const rowsOf = async (table: 'lock' | 'applied') => {
    const text = `select account, seq, id, "observedAt" from ledger.${table} where ledger = $1`
    const { rows } = await pool.query<Row>(text, [ledger])
    return new Map(rows.map((row) => [`${row.account} ${row.seq}`, row]))
  }
  const [locks, applied] = [await rowsOf('lock'), await rowsOf('applied')]
  const wrong: string[] = []
  for (const [place, vote] of oracle.votes) {
    const [phase, ...at] = place.split(' ')
    const row = (phase === 'lock' ? locks : applied).get(at.join(' '))
    if (row?.id !== vote.transfer || row.observedAt !== vote.observedAt) {
      wrong.push(`the books have not the vote ${place} for ${vote.transfer}`)
    }
  }
  for (const { account, transfer, id } of payers.applied) {
    if (applied.get(`${account} ${transfer.seq}`)?.id !== id) wrong.push(`${id} is lost`)
  }
  if (applied.size !== payers.applied.length) {
    wrong.push(`${applied.size} transfers are applied, not ${payers.applied.length}`)
  }
  wrong.push(...(await balanceWrongs(pool, payers)))
  const { rows: kept } = await pool.query<{ account: string; seq: string }>(EVIDENCE, [ledger])
  const evidence = new Set(kept.map(({ account, seq }) => `${account} ${seq}`))
  for (const place of oracle.refused) {
    if (!evidence.has(place)) wrong.push(`there is no evidence of the rivals at ${place}`)
  }
  return wrong
}

async function balanceWrongs(pool: SqlPool, payers: Payers): Promise<string[]> {
  const ledger = payers.genesis.id
  const { rows } = await pool.query<{ did: string; balance: string }>(ACCOUNTS, [ledger])
  const books = new Map(rows.map(({ did, balance }) => [did, BigInt(balance)]))
  const wrong = [...payers.balances()].flatMap(([did, due]) =>
    books.get(did) === due ? [] : [`${did} has ${books.get(did)}, not ${due}`],
  )
  const { rows: minted } = await pool.query<{ pool: string; sum: string }>(MINTED, [ledger])
  for (const one of minted) {
    const given = payers.applied
      .filter(({ account }) => account === one.pool)
      .reduce((sum, { total }) => sum + total, 0n)
    if (BigInt(one.sum) !== given) wrong.push(`${one.pool} gave ${one.sum}, not ${given}`)
  }
  return wrong
}

const EVIDENCE = 'select account, seq from ledger.evidence where ledger = $1'
const ACCOUNTS = 'select did, balance from ledger.account where ledger = $1'
const MINTED = `select pool, sum(amount)::text as sum from ledger.minted where ledger = $1
  group by pool`
