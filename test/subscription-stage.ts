import { XRPCError } from '@atproto/xrpc-server'
import type { Charge, Paid } from '../src/appview/billing-provider.ts'
import type { RepoWriter } from '../src/appview/own-record.ts'
import { recordUri } from '../src/appview/reference.ts'
import type { Subscribing } from '../src/appview/subscriptions/write.ts'
import { transaction } from '../src/appview/sql.ts'
import { co } from '../src/lexicons/index.ts'
import { silentLog } from '../src/log.ts'
import { createTids } from '../src/tid.ts'
import { NOW, appViewDatabase } from './appview-database.ts'
import { writeOf } from './record.ts'

export const SHOP = 'did:plc:shop'
export const BEN = 'did:plc:ben'
export const tier = { key: 'patron', name: 'Patron', price: 900, currency: 'EUR' } as const

/** A space with a tier and a member, who pays whom the test says, when the test says. */
export type Stage = {
  now: Date
  /** How the payments end, in their order; paid unless said. */
  answers: Paid['status'][]
  /** The payments asked for, each once. */
  readonly charged: Charge[]
  /** What members were told. */
  readonly told: string[]
  s: Subscribing & { readonly log: typeof silentLog }
}

type Where = { did: string; collection: string; rkey: string; place?: string }

/** Sets the stage, with nobody subscribed yet. */
export async function subscriptionStage(): Promise<Stage> {
  const { pool, write } = await appViewDatabase()
  for (const table of ['auditEvent', 'auditHead', 'pendingAct', 'charge', 'memberPayment'])
    await pool.query(`delete from node."${table}"`)
  await pool.query('delete from repo.space')
  await pool.query(
    `insert into repo.space (space, authority, type, skey, "readPolicy", "writePolicy", "appAccess",
       "createdAt") values ('s', $1, 't', 'k', '{}', '{}', '{}', $2)`,
    [SHOP, NOW],
  )
  const nextRev = createTids({ now: () => NOW })
  const put = async (where: Where, record: object) =>
    void (await write(await writeOf({ ...where, rev: nextRev(), record })))
  const cidOf = async (where: Where) => {
    const uri = recordUri(where.did, where.collection, where.rkey)
    const found = await pool.query<{ cid: string }>(
      'select cid from appview.subscription where uri = $1',
      [uri],
    )
    return found.rows[0]?.cid
  }
  const stage: Stage = { now: NOW, answers: [], charged: [], told: [], s: undefined as never }
  const clock = { now: () => stage.now }
  stage.s = {
    sql: pool,
    clock,
    writer: writerOf(cidOf, put),
    log: silentLog,
    versions: { cidOf },
    progress: { advance: () => {}, reached: async () => true },
    nextTid: createTids(clock),
    outbox: {
      transact: (work) =>
        transaction(pool, (tx) =>
          work(tx, async ({ data }) => {
            stage.told.push((data['data'] as { what: string }).what)
          }),
        ),
    },
    payments: {
      createCustomer: async ({ key }) => key,
      charge: async (wish) => {
        const before = stage.charged.findIndex(({ key }) => key === wish.key)
        const n = before === -1 ? stage.charged.push(wish) - 1 : before
        return { status: stage.answers[n] ?? 'paid', reference: wish.key }
      },
    },
  }
  await furnish(put)
  return stage
}

/** Writes one after the other, each only over the version it must replace. */
function writerOf(
  cidOf: (where: Where) => Promise<string | undefined>,
  put: (where: Where, record: object) => Promise<void>,
): RepoWriter {
  let last: Promise<unknown> = Promise.resolve()
  const putRecord: RepoWriter['putRecord'] = (w) => {
    const done = last.then(async () => {
      if (((await cidOf(w)) ?? null) !== w.swapRecord)
        throw new XRPCError(400, 'changed', 'InvalidSwap')
      const { record, swapRecord: _, ...where } = w
      await put(where, record)
      return { did: w.did, rev: '', results: [] }
    })
    last = done.catch(() => undefined)
    return done
  }
  return { putRecord } as Partial<RepoWriter> as RepoWriter
}

async function furnish(put: (where: Where, record: object) => Promise<void>): Promise<void> {
  const { space, membership, membershipRequest } = co.kendev.spaces
  const at = NOW.toISOString()
  const contentAccess = ['premium_posts']
  const monetization = { enabled: true, subscriptionTiers: [{ ...tier, contentAccess }] }
  await put(
    { did: SHOP, collection: space.$type, rkey: 'self' },
    { name: 'Shop', monetization, createdAt: at },
  )
  await put(
    { did: SHOP, collection: membership.$type, rkey: BEN },
    { subject: BEN, role: 'member', joinedAt: at },
  )
  await put(
    { did: BEN, collection: membershipRequest.$type, rkey: SHOP },
    { space: SHOP, createdAt: at },
  )
}
