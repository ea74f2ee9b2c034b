import type { Intent } from './intents.ts'

/** Which part of a business a message is for. */
export type Department = 'sales' | 'marketing' | 'operations' | 'support' | 'finance'

/** How far somebody has come with a business. */
export type Journey = 'awareness' | 'consideration' | 'purchase' | 'retention'

/** What follows from an intent (`domain.md` N-16). */
export type Consequences = {
  readonly department?: Department
  readonly journey: Journey
  readonly workflow?: string
  /** What it adds to the score of a lead, of 100. */
  readonly lead: number
  readonly actions: readonly string[]
}

const CONSEQUENCES: Readonly<Record<Intent, Consequences>> = {
  booking: {
    department: 'operations',
    journey: 'consideration',
    workflow: 'appointment_booking',
    lead: 25,
    actions: ['offer_times'],
  },
  price: {
    department: 'sales',
    journey: 'consideration',
    workflow: 'quotation',
    lead: 20,
    actions: ['send_price'],
  },
  purchase: {
    department: 'sales',
    journey: 'purchase',
    workflow: 'order_taking',
    lead: 40,
    actions: ['send_checkout'],
  },
  complaint: {
    department: 'support',
    journey: 'awareness',
    workflow: 'complaint_handling',
    lead: 0,
    actions: ['apologise', 'hand_to_person'],
  },
  refund: {
    department: 'finance',
    journey: 'retention',
    workflow: 'refund_request',
    lead: 0,
    actions: ['look_up_order', 'start_refund'],
  },
  order_status: {
    department: 'support',
    journey: 'retention',
    workflow: 'order_tracking',
    lead: 0,
    actions: ['look_up_order'],
  },
  hours_location: {
    department: 'support',
    journey: 'awareness',
    workflow: 'information',
    lead: 5,
    actions: ['send_hours_and_address'],
  },
  job: {
    department: 'operations',
    journey: 'awareness',
    workflow: 'recruiting',
    lead: 0,
    actions: ['send_openings'],
  },
  greeting: { journey: 'awareness', workflow: 'welcome', lead: 0, actions: ['greet_and_ask'] },
}

/** Words of somebody who has bought something; support is then for keeping a customer. */
const BOUGHT = new Set(
  'bought ordered paid purchased delivered received arrived order invoice receipt'.split(' '),
)

/** What follows from what somebody is after, also for an intent that no rule here knows. */
export function consequencesOf(intent: string | undefined, words: readonly string[]): Consequences {
  const known =
    intent !== undefined && Object.hasOwn(CONSEQUENCES, intent)
      ? CONSEQUENCES[intent as Intent]
      : { journey: 'awareness' as const, lead: 0, actions: [] }
  const isSupport = known.department === 'support'
  const keeps = isSupport && intent !== 'hours_location' && words.some((word) => BOUGHT.has(word))
  return keeps ? { ...known, journey: 'retention' } : known
}
