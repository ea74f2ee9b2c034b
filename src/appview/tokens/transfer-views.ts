import type { l } from '@atproto/lex'
import type { co } from '../../lexicons/index.ts'
import { SUPPLY_CAP, TOKEN } from '../../tokens/amount.ts'
import { transfer } from '../collections/tokens/transfer.ts'
import { instant } from '../define.ts'
import { type Contribution, impactScore } from '../karma/reputation.ts'
import { type Looking, present } from '../look.ts'
import { cutPage, decodeCursor } from '../serve-list.ts'
import { type Persons, findPersons } from './find-persons.ts'
import { STATED, type StatedTransfer } from './transfer-states.ts'

type TransferView = co.kendev.tokens.defs.TransferView

/** A transfer with what became of it. */
export async function findTransfer(
  looking: Looking,
  uri: string,
): Promise<TransferView | undefined> {
  const text = `select * from ${STATED} s where s.uri = $1`
  const found = await looking.sql.query<StatedTransfer>({ name: 'token transfer', text }, [uri])
  return (await viewsOf(looking, found.rows))[0]
}

/** What may be asked of a list of transfers. */
type Asked = {
  account?: string
  direction?: string
  ledger?: string
  kind?: string
  status?: string
  limit?: number
  cursor?: string
}

/** A page of transfers, newest first. Throws `InvalidCursor`. */
export async function listTransfers(
  looking: Looking,
  asked: Asked,
): Promise<{ items: TransferView[]; cursor?: string }> {
  const { limit = 50 } = asked
  const values: unknown[] = []
  const value = (given: unknown) => `$${values.push(given)}`
  const where = conditionsOf(asked, value)
  const { rows } = await looking.sql.query<StatedTransfer>(
    `select * from ${STATED} s ${where.length > 0 ? `where ${where.join(' and ')}` : ''}
     order by s."createdAt" desc, s.uri desc limit ${limit + 1}`,
    values,
  )
  const page = cutPage(rows, limit, 'createdAt')
  const items = await viewsOf(looking, page.rows as readonly StatedTransfer[])
  return { items, ...(page.cursor !== undefined && { cursor: page.cursor }) }
}

function conditionsOf(asked: Asked, value: (given: unknown) => string): string[] {
  const { account, direction, cursor, ...same } = asked
  const where: string[] = []
  for (const name of ['ledger', 'kind', 'status'] as const)
    if (same[name] !== undefined) where.push(`s.${name} = ${value(same[name])}`)
  if (account !== undefined) {
    const who = value(account)
    const sent = `s.did = ${who}`
    const received = `s.id in (select p.transfer from node."tokenPosting" p
      where p.account = ${who} and p.amount > 0 and p.transfer is not null)`
    if (direction === 'sent') where.push(sent)
    else where.push(direction === 'received' ? received : `(${sent} or ${received})`)
  }
  if (cursor !== undefined) {
    const [at, uri] = decodeCursor(cursor)
    where.push(`(s."createdAt", s.uri) < (${value(at)}, ${value(uri)})`)
  }
  return where
}

async function viewsOf(looking: Looking, rows: readonly StatedTransfer[]): Promise<TransferView[]> {
  const shown = (await present(transfer, rows, looking)) as TransferView[]
  const receivers = shown.flatMap(({ credits }) => credits.map(({ to }) => to))
  const epochs = rows.flatMap(({ epochId }) => epochId ?? [])
  const persons = await findPersons(looking.sql, epochs, receivers)
  return shown.map((view, n) => stated(view, rows[n]!, persons))
}

function stated(view: TransferView, row: StatedTransfer, persons: Persons): TransferView {
  const { status, isTaken, time, judgedAt, foldedAt } = row
  const isFinal =
    row.isCounted === true || (row.phase === 'apply' && row.standing === 'open' && !isTaken)
  const processed = judgedAt ?? (status === 'failed' ? foldedAt : null)
  return {
    ...view,
    status,
    humanWorth: worthOf(view, (did) => persons.bucketOf(row.epochId ?? '', did) > 0),
    consensus: {
      validatorNodes: (row.signers ?? []) as l.DidString[],
      consensusReached: row.proof !== null,
      ...(time && { validationTimestamp: instant(time) }),
      ...(row.proof !== null && { proof: row.proof }),
      final: isFinal,
    },
    ...(status === 'failed' && { failure: isTaken ? 'NumberTaken' : 'EpochClosed' }),
    ...(status === 'reversed' && row.reversedBy !== null && { reversedBy: row.reversedBy }),
    reversals: row.reversals,
    ...exchangeOf(row),
    ...refusalOf(row),
    ...(processed && { processedAt: instant(processed) }),
    ...(time && status !== 'failed' && { confirmedAt: instant(time) }),
  }
}

/** Why a transfer that does not count was last refused. */
function refusalOf(row: StatedTransfer): Pick<TransferView, 'refusal'> {
  const { status, refused: reason, refusedFor: detail, refusedAt } = row
  if (reason === null || refusedAt === null || !['pending', 'failed'].includes(status)) return {}
  return { refusal: { reason, detail: detail ?? '', refusedAt: instant(refusedAt) } }
}

/** What an exchange gives for one token, by its quote. */
function exchangeOf({ num, den }: StatedTransfer): Partial<TransferView> {
  if (num === null || den === null) return {}
  const perToken = (BigInt(num) * TOKEN) / BigInt(den)
  const exchangeRate = Number(perToken < SUPPLY_CAP ? perToken : SUPPLY_CAP)
  return { exchangeRate, sourceCurrency: 'angel_tokens' }
}

const KNOWN = new Set<string | undefined>([
  'content_creation',
  'community_support',
  'technical_help',
  'mentorship',
  'justice_advocacy',
] satisfies Contribution[])

function worthOf(
  { humanWorth, credits, evidence = [] }: TransferView,
  isPerson: (did: string) => boolean,
): TransferView['humanWorth'] {
  const { contributionType, witnessCount: witnesses } = humanWorth
  const people = credits.filter(({ role }) => role !== 'fee')
  const proofOfHumanity = people.length > 0 && people.every(({ to }) => isPerson(to))
  if (!KNOWN.has(contributionType)) return { ...humanWorth, proofOfHumanity }
  const contribution = contributionType as Contribution
  const hasEvidence = evidence.length > 0
  const score = impactScore({ contribution, witnesses, hasEvidence, isConfirmed: false })
  return { ...humanWorth, proofOfHumanity, impactScore: score }
}
