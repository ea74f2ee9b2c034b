/** Ninety-five of a hundred times what is ordered at this point comes before all is gone. */
const SERVICE_FACTOR = 1.65
/** How far back demand is looked at. */
export const DEMAND_DAYS = 90

/** At how many available units more should be ordered, for a delivery that takes so many days: what
 *  goes meanwhile, and a margin for days on which more goes (`domain.md` N-20). `daily` has the
 *  units of each day, days without any as 0. Undefined without demand to tell it by. */
export function reorderPoint(
  daily: readonly number[],
  leadDays: number,
): { readonly point: number; readonly dailyDemand: number } | undefined {
  const total = daily.reduce((sum, units) => sum + units, 0)
  if (total <= 0) return undefined
  const mean = total / daily.length
  const variance = daily.reduce((sum, units) => sum + (units - mean) ** 2, 0) / daily.length
  const margin = SERVICE_FACTOR * Math.sqrt(variance) * Math.sqrt(leadDays)
  // Beyond what a float can tell apart nothing is to be rounded up.
  const point = Math.ceil(Number((mean * leadDays + margin).toFixed(6)))
  return { point, dailyDemand: Math.round(mean * 1_000) }
}
