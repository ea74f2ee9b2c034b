import { nativeCrypto as crypto } from '../../crypto/native.ts'
import type { co } from '../../lexicons/index.ts'
import { readEpoch } from '../../tokens/epoch.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import { stateRoot } from '../../tokens/state-root.ts'
import { type SqlPool, transaction } from '../sql.ts'
import { accountsAfter } from './accounts-after.ts'

type StandingView = co.kendev.tokens.defs.StandingView

/** Tells how the views of a ledger stand after an epoch; undefined for one that is not known. */
export type ReadStanding = (
  ledger: string,
  epoch: number | undefined,
) => Promise<StandingView | undefined>

const REMEMBERED_MAX = 64

/**
 * Computes the root of all accounts from the rows that balances are read from, so that it is what
 * this node shows that is compared, and nothing that was kept beside it. It goes through all
 * accounts; what was computed is remembered until something of it changes, and who asks meanwhile
 * shares the answer.
 */
export function standingReader(sql: SqlPool): ReadStanding {
  const known = new Map<string, { print: string; view: Promise<StandingView> }>()
  return async (ledger, epoch) => {
    const pages = (await sql.query<Page>(PAGES, [ledger])).rows
    const at = pages.find((page) => page.epoch === (epoch ?? pages.length - 1))
    if (!at) return undefined
    const key = `${ledger} ${at.epoch}`
    const print = pages
      .slice(0, at.epoch + 2)
      .map(printOf)
      .join(' ')
    const before = known.get(key)
    if (before?.print === print) return before.view
    const view = computeStanding(sql, ledger, at.epoch)
    known.set(key, { print, view })
    view.catch(() => known.delete(key))
    const [oldest] = known.keys()
    if (known.size > REMEMBERED_MAX && oldest !== undefined) known.delete(oldest)
    return view
  }
}

type Page = { epoch: number; id: string; print: string | null }

function printOf({ id, print }: Page): string {
  return `${id} ${print ?? ''}`
}

/** All of it is of one moment, whatever is folded meanwhile. */
function computeStanding(sql: SqlPool, ledger: string, epoch: number): Promise<StandingView> {
  return transaction(sql, async (tx) => {
    await tx.query('set transaction isolation level repeatable read')
    const accounts = [...(await accountsAfter(tx, ledger, epoch)).values()]
    const { rows } = await tx.query<Facts>(FACTS, [ledger, epoch])
    const { id, standing, transfers, next } = rows[0]!
    const root = Buffer.from(stateRoot(crypto, accounts)).toString('hex')
    const counted = accounts.filter(({ seq, balance }) => seq > 0 || balance !== 0n)
    const supply = Number(accounts.reduce((all, { balance }) => all + balance, 0n))
    const figures = { stateRoot: root, accounts: counted.length, supply, transfers }
    const announced = next === null ? undefined : announcedBy(next)
    return {
      ledger: ledger as StandingView['ledger'],
      epoch,
      epochId: id as StandingView['epochId'],
      standing: standing ?? 'unproven',
      ...figures,
      ...(announced && { announced, agrees: isSame(figures, announced) }),
    }
  })
}

type Figures = Pick<StandingView, 'stateRoot' | 'supply' | 'transfers'>

/** What the next epoch, which a quorum has signed, says that this one came to. */
function announcedBy(bytes: Uint8Array): Figures | undefined {
  const next = readEpoch(crypto, new Uint8Array(bytes))
  if (isRefusal(next) || !next.epoch.handover) return undefined
  const { stateRoot: root, supply, settledCount } = next.epoch.handover
  const hex = Buffer.from(root.$bytes, 'base64').toString('hex')
  return { stateRoot: hex, supply, transfers: settledCount }
}

function isSame(a: Figures, b: Figures): boolean {
  return a.stateRoot === b.stateRoot && a.supply === b.supply && a.transfers === b.transfers
}

type Facts = { id: string; standing: string | null; transfers: number; next: Uint8Array | null }

const PAGES = `select epoch, id, print from node."tokenEpoch" where ledger = $1 order by epoch`

const FACTS = `select e.id, e.standing, n.bytes as next,
    (select count(*)::int from node."tokenContent" k
      where k.ledger = $1 and k.epoch = $2 and k."isCounted") as transfers
  from node."tokenEpoch" e
  left join node."tokenEpoch" n on n.ledger = e.ledger and n.epoch = e.epoch + 1
  where e.ledger = $1 and e.epoch = $2`
