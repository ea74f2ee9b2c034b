import type { Person } from '../person.ts'
import { check } from './story-checks.ts'

const COMMERCE = 'co.kendev.commerce'
const BOOKING = 'co.kendev.booking'
/** What sending a parcel costs, which is revenue of no product. */
export const SHIPPING = 995

type Items<T> = { items: T[] }
type Posting = { account: string; party?: string; amount: number }
type Entry = { kind: string; order?: string; currency: string; postings: Posting[] }
type Row = {
  key: string
  currency: string
  came: number
  refunded: number
  tax: number
  net: number
}

/** The ledger, the revenue and the commission say the same. */
export async function compareBooks(
  { owner, tenant, installer }: { owner: Person; tenant: string; installer: Person },
  tell: (line: string) => void,
): Promise<void> {
  const { items: entries } = await owner.get<Items<Entry>>(`${COMMERCE}.listLedgerEntries`, {
    tenant,
    limit: 100,
  })
  const balances = new Map<string, number>()
  for (const { postings } of entries) {
    check(postings.reduce((sum, { amount }) => sum + amount, 0) === 0, 'each entry balances')
    for (const { account, party, amount } of postings) {
      const key = party === undefined ? account : `${account} of ${party}`
      balances.set(key, (balances.get(key) ?? 0) + amount)
    }
  }
  const revenue = async (by: string) =>
    (await owner.get<{ rows: Row[] }>(`${COMMERCE}.getRevenue`, { tenant, by })).rows
  const [byParty, byProduct, byPeriod] = await Promise.all(
    ['party', 'product', 'period'].map(revenue),
  )
  const total = (rows: Row[] | undefined) => rows!.reduce((sum, { net }) => sum + net, 0)
  const products = total(byProduct) + SHIPPING
  check(products === total(byPeriod), 'products and shipping are the revenue of the period')
  check(products === total(byParty), 'and of all who have a part in it')
  const tax = -(balances.get('taxPayable') ?? 0)
  check(
    byPeriod!.reduce((sum, row) => sum + row.tax, 0) === tax,
    'the tax is the tax of the ledger',
  )
  const terms = await owner.get<Items<{ commissionAmount?: { amount: number } }>>(
    `${BOOKING}.listAppointmentTerms`,
    { tenant },
  )
  const commission = terms.items[0]?.commissionAmount?.amount
  const booked = -(balances.get(`commission of ${installer.did}`) ?? 0)
  check(commission === booked && booked > 0, `the commission is in the ledger (${commission})`)
  for (const [account, amount] of [...balances].toSorted(([a], [b]) => a.localeCompare(b)))
    if (amount !== 0) tell(`   ${account.padEnd(52)} ${dollars(amount).padStart(10)}`)
  for (const { key, net } of byParty!)
    tell(`   revenue of ${key.padEnd(41)} ${dollars(net).padStart(10)}`)
  tell(`commission of the installer: $${dollars(booked)}; ledger, revenue and commission agree`)
}

/** An amount as people read it. */
export const dollars = (cents: number) => (cents / 100).toFixed(2)
