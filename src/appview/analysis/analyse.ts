import { type Department, type Journey, consequencesOf } from './consequences.ts'
import { type Entity, entitiesOf } from './entities.ts'
import { intentOf } from './intents.ts'
import { type Sentiment, sentimentOf, sentimentScore } from './sentiment.ts'
import { tokensOf } from './tokens.ts'

/** What a message tells a business (`domain.md` D-20). */
export type Analysis = {
  readonly sentiment: Sentiment
  /** In basis points, from -10000 to 10000. */
  readonly sentimentScore: number
  readonly intent?: string
  /** How strong the rule is that told the intent, in basis points. */
  readonly confidence: number
  readonly entities: readonly Entity[]
  readonly department?: Department
  readonly customerJourney: Journey
  readonly suggestedActions: readonly string[]
  /** What the message adds to the score of a lead, of 100. */
  readonly leadScore: number
  readonly workflow?: string
}

/** A message as far as it is analysed. */
export type Analysable = {
  readonly text: string
  /** The languages it is said to be in, the main one first. */
  readonly langs?: readonly string[]
  /** What a person has said that its author is after; nothing else is looked for then. */
  readonly intent?: string
}

/** Whatever makes an analysis of a message. Name and version are told with what it makes, so that
 *  another may take its place. It is a pure function. */
export type Analyzer = {
  readonly name: string
  readonly version: string
  analyse(message: Analysable): Analysis
}

/** The analyser that needs no service: word lists and rules, for English; of a text that is said to
 *  be in another language it finds only what is named. */
export const offlineAnalyzer: Analyzer = {
  name: 'angelos-rules',
  version: '1',
  analyse({ text, langs, intent: told }) {
    const main = langs?.[0]?.toLowerCase()
    const isEnglish = main === undefined || /^en(?:-|$)/.test(main)
    const tokens = isEnglish ? tokensOf(text) : []
    const entities = entitiesOf(text)
    const score = sentimentScore(tokens, isEnglish ? text : '')
    const sentiment = sentimentOf(score)
    const found = intentOf(tokens)
    const intent = told ?? found.intent
    const confidence = told === undefined ? found.confidence : CERTAIN
    const words = tokens.map(({ word }) => word)
    const { department, journey, workflow, lead, actions } = consequencesOf(intent, words)
    return {
      sentiment,
      sentimentScore: score,
      ...(intent !== undefined && { intent }),
      confidence,
      entities,
      ...(department && { department }),
      customerJourney: journey,
      suggestedActions: actionsFor(actions, { intent, sentiment, entities }),
      leadScore: leadScoreOf(lead, { sentiment, entities }),
      ...(workflow && { workflow }),
    }
  },
}

const CERTAIN = 10_000
/** What knowing how to reach somebody adds, and what a good mood does. */
const REACHABLE = 10
const WILLING = 5

type Seen = { readonly sentiment: Sentiment; readonly entities: readonly Entity[] }

const names = (entities: readonly Entity[], ...kinds: readonly string[]) =>
  entities.some(({ kind }) => kinds.includes(kind))

function leadScoreOf(lead: number, { sentiment, entities }: Seen): number {
  const reach = names(entities, 'email', 'phone') ? REACHABLE : 0
  return lead + reach + (lead > 0 && sentiment === 'positive' ? WILLING : 0)
}

function actionsFor(
  actions: readonly string[],
  { intent, sentiment, entities }: Seen & { intent: string | undefined },
): string[] {
  const more = [
    ...(intent === 'booking' && !names(entities, 'date', 'time') ? ['ask_for_date'] : []),
    ...(sentiment === 'negative' ? ['hand_to_person'] : []),
  ]
  return [...new Set([...actions, ...more])]
}
