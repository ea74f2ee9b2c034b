import { type Random, seededRandom } from './random.ts'

/** What a seed may have in it; a shrinking run leaves some out. */
export const INGREDIENTS = [
  'loss',
  'duplicates',
  'delays',
  'partitions',
  'crashes',
  'torn-writes',
  'refused-writes',
  'skew',
  'liars',
  'twins',
  'hider',
  'crook',
  'forger',
  'pool-crook',
  'pools',
  'relay',
  'rotations',
  'epochs',
  'rival-handovers',
  'joiner',
  'dust',
  'exchange',
  'splits',
  'batches',
  'auditor',
] as const

/** One of them. */
export type Ingredient = (typeof INGREDIENTS)[number]

/** What is broken on purpose, to see that the oracle sees it. */
export type Control = 'too-many-liars' | 'forgetful-disk' | 'torn-disk'

/** What a seed comes to before anything happens. */
export type Plan = {
  readonly seed: number
  /** validators */
  readonly size: number
  /** How many of them lie. */
  readonly liars: number
  readonly payers: number
  readonly has: (ingredient: Ingredient) => boolean
  readonly control?: Control
  /** The safety phase has at least so many events. */
  readonly events: number
}

/** How often a seed has each ingredient. */
const SHARES: Readonly<Record<Ingredient, number>> = {
  loss: 0.6,
  duplicates: 0.6,
  delays: 0.5,
  partitions: 0.5,
  crashes: 0.6,
  'torn-writes': 0.5,
  'refused-writes': 0.3,
  skew: 0.4,
  liars: 0.75,
  twins: 0.7,
  hider: 0.5,
  crook: 0.7,
  forger: 0.6,
  'pool-crook': 0.5,
  pools: 0.6,
  relay: 0.4,
  rotations: 0.4,
  epochs: 0.6,
  'rival-handovers': 0.15,
  joiner: 0.3,
  dust: 0.3,
  exchange: 0.3,
  splits: 0.5,
  batches: 0.4,
  auditor: 0.7,
}

/** Draws the plan of a seed. Each ingredient has chance of its own, so that leaving one out changes
 *  no other. */
export function drawPlan(
  seed: number,
  options: {
    readonly without?: readonly Ingredient[]
    readonly control?: Control | undefined
    readonly events: number
  },
): Plan {
  const { without = [], control, events } = options
  const random = seededRandom(seed, 'plan')
  const size = control ? 4 : drawSize(random)
  const chosen = new Set(
    INGREDIENTS.filter(
      (name) => seededRandom(seed, name).chance(SHARES[name]) && !without.includes(name),
    ),
  )
  for (const name of controlled(control)) chosen.add(name)
  const borne = Math.floor((size - 1) / 3)
  const most = chosen.has('liars') ? random.between(1, borne) : 0
  const liars = control === 'too-many-liars' ? borne + 1 : most
  const payers = random.between(3, 5)
  return {
    seed,
    size,
    liars,
    payers,
    has: (name) => chosen.has(name),
    ...(control && { control }),
    events,
  }
}

function drawSize(random: Random): number {
  const at = random.next()
  return at < 0.65 ? 4 : at < 0.95 ? 7 : 10
}

function controlled(control: Control | undefined): readonly Ingredient[] {
  if (control === 'too-many-liars') return ['liars', 'twins']
  if (control === undefined) return []
  return ['crashes', 'torn-writes', 'twins', 'liars']
}
