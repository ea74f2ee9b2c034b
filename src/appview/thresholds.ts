import type { co } from '../lexicons/index.ts'

type Threshold = co.kendev.spaces.channelRules.AlertThreshold
type Figure = co.kendev.spaces.channelReport.Figure

/** A threshold that a figure has come to pass. */
export type Crossing = { readonly threshold: Threshold; readonly figure: Figure }

/** How a figure may stand to a limit; one that nobody knows never does. */
const STANDS: Readonly<Record<string, (amount: number, limit: number) => boolean>> = {
  '==': (amount, limit) => amount === limit,
  '!=': (amount, limit) => amount !== limit,
  '>': (amount, limit) => amount > limit,
  '>=': (amount, limit) => amount >= limit,
  '<': (amount, limit) => amount < limit,
  '<=': (amount, limit) => amount <= limit,
}

/** Whether a figure is where its threshold calls for an alert. Amounts and limits are integers in
 *  the unit and scale of the figure. */
export function isPast({ op, limit }: Threshold, amount: number): boolean {
  return Object.hasOwn(STANDS, op) && STANDS[op]!(amount, limit)
}

/** The thresholds that a report's figures pass and did not pass before: `before` says what a figure
 *  was in the report before it, undefined when there is none. While a figure stays past its limit
 *  that is one crossing. */
export function crossingsOf(
  thresholds: readonly Threshold[],
  figures: readonly Figure[],
  before: (name: string) => number | undefined,
): Crossing[] {
  return thresholds.flatMap((threshold) => {
    const named = figures.filter(({ name }) => name === threshold.figure)
    const figure = named.find(({ amount }) => isPast(threshold, amount))
    const was = before(threshold.figure)
    const stays = was !== undefined && isPast(threshold, was)
    return figure && !stays ? [{ threshold, figure }] : []
  })
}

/** A figure as people read it: `945` of scale 1 in litres is `94.5 l`. */
export function written(amount: number, { scale = 0, unit }: Partial<Figure>): string {
  const digits = String(Math.abs(amount)).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const number = scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`
  return `${amount < 0 ? '-' : ''}${number}${unit ? ` ${unit}` : ''}`
}
