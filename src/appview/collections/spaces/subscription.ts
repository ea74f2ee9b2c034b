import { co } from '../../../lexicons/index.ts'
import { collection, did, flag, instant, part, text, timestamp } from '../../define.ts'
import { accessUntil } from './subscription-terms.ts'

type Subscription = co.kendev.spaces.subscription.Main

/** What a member subscribes to, and how that stands (`domain.md` SM-10, §2.1). It is for those who
 *  manage the space; the member is shown it by `getOwnSubscription`, as a member has no place there
 *  that nobody else reads. What was paid is the node's to know. */
export const subscription = collection({
  record: co.kendev.spaces.subscription,
  table: 'subscription',
  columns: {
    subject: did(),
    plan: text(),
    status: text(),
    currentPeriodEnd: timestamp().optional(),
    cancelAtPeriodEnd: flag(),
    pastDueSince: timestamp().optional(),
    /** Until when it opens what its tier opens, if nothing else happens to it. */
    accessUntil: timestamp().optional(),
    createdAt: timestamp(),
    content: part<Subscription>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['status', 'currentPeriodEnd'],
  ],
  people: ['subject'],
  access: { places: 'permissioned', audience: 'managers' },
  machine: {
    field: 'status',
    initial: ['incomplete'],
    moves: [
      { from: ['incomplete'], to: 'trialing' },
      { from: ['incomplete', 'trialing', 'past_due', 'paused'], to: 'active' },
      { from: ['trialing', 'active'], to: 'past_due' },
      { from: ['active'], to: 'paused' },
      { from: ['incomplete', 'trialing', 'active', 'past_due', 'paused'], to: 'canceled' },
      { from: ['canceled'], to: 'incomplete' },
    ],
  },

  accept({ record, rkey }) {
    if (record.subject !== rkey) return 'KeyIsNotSubject'
    const runs = ['trialing', 'active', 'past_due', 'paused'].includes(record.status)
    return runs && !record.currentPeriodEnd ? 'PeriodMissing' : undefined
  },

  row: ({ record }) => {
    const terms = {
      status: record.status,
      // Not as claimed: these times lie ahead.
      currentPeriodEnd: dateOf(record.currentPeriodEnd),
      cancelAtPeriodEnd: record.cancelAtPeriodEnd ?? false,
      pastDueSince: dateOf(record.pastDueSince),
    }
    return {
      subject: record.subject,
      plan: record.plan,
      ...terms,
      accessUntil: accessUntil(terms),
      createdAt: new Date(record.createdAt),
      content: record,
    }
  },

  view: (
    { content, ...row },
    look,
  ): Omit<co.kendev.spaces.defs.SubscriptionView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    subject: row.subject,
    profile: look.person(row.subject),
    plan: row.plan,
    status: row.status,
    amount: content.amount,
    currency: content.currency,
    currentPeriodStart: content.currentPeriodStart,
    currentPeriodEnd: content.currentPeriodEnd,
    cancelAtPeriodEnd: row.cancelAtPeriodEnd,
    nextBilling: isBilled(row) ? content.currentPeriodEnd : undefined,
    pastDueSince: content.pastDueSince,
    accessUntil: row.accessUntil ? instant(row.accessUntil) : undefined,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getSubscription,
  lists: [
    {
      query: co.kendev.spaces.listSubscriptions,
      newest: 'createdAt',
      where: { space: 'did', status: 'status', plan: 'plan' },
    },
  ],
  examples: {
    good: [
      {
        rkey: 'did:plc:ben',
        audience: 'managers',
        record: paid({
          currentPeriodStart: '2026-11-23T10:00:00Z',
          currentPeriodEnd: '2026-12-23T10:00:00Z',
          events: [{ event: 'subscription_started', at: '2026-11-23T10:00:00Z', value: 900 }],
        }),
      },
      {
        rkey: 'did:plc:cleo',
        audience: 'managers',
        record: paid({ subject: 'did:plc:cleo', status: 'incomplete' }),
      },
    ],
    bad: {
      KeyIsNotSubject: {
        rkey: 'did:plc:eve',
        audience: 'managers',
        record: paid({ status: 'incomplete' }),
      },
      PeriodMissing: { rkey: 'did:plc:ben', audience: 'managers', record: paid({}) },
    },
  },
})

/** Whether it is paid for again by itself when its period ends. */
function isBilled({ status, cancelAtPeriodEnd }: { status: string; cancelAtPeriodEnd: boolean }) {
  return ['trialing', 'active', 'past_due'].includes(status) && !cancelAtPeriodEnd
}

const dateOf = (at: string | undefined): Date | null => (at === undefined ? null : new Date(at))

function paid(more: Partial<Subscription>): Omit<Subscription, '$type'> {
  return {
    subject: 'did:plc:ben',
    plan: 'patron',
    status: 'active',
    amount: 900,
    currency: 'EUR',
    createdAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
