/** That one account paid another. `at` is milliseconds since 1970. */
export type Payment = { readonly from: string; readonly to: string; readonly at: number }

/**
 * Whether an account is one of three, different from each other, of which the first paid the
 * second, then the second the third, then the third the first, all within this many milliseconds.
 * Amounts do not matter. Longer circles and those of two are not looked for. Looks at each payment
 * of others once: time is n · log n of all payments, in any order.
 */
export function isInCircle(account: string, payments: readonly Payment[], within: number): boolean {
  const inOrder = payments.toSorted((a, b) => a.at - b.at)
  const paid = new Map<string, number[]>()
  const got = new Map<string, number[]>()
  for (const { from, to, at } of inOrder) {
    if (from === account) append(paid, to, at)
    if (to === account) append(got, from, at)
  }
  return inOrder.some(({ from, to, at }) => {
    const [toPayer, ofPaid] = [paid.get(from), got.get(to)]
    if (from === to || from === account || to === account || !toPayer || !ofPaid) return false
    return isClosed(toPayer, ofPaid, at, within)
  })
}

/** The account paid P at the times `paid`, Q paid the account at the times `got`, and P paid Q `at`
 *  this time, as the second, the last or the first of the three. */
function isClosed(
  paid: readonly number[],
  got: readonly number[],
  at: number,
  within: number,
): boolean {
  const secondOfThree = latest(paid, at) >= earliest(got, at) - within
  const lastOfThree = latest(got, latest(paid, at)) >= at - within
  const firstOfThree = earliest(paid, earliest(got, at)) <= at + within
  return secondOfThree || lastOfThree || firstOfThree
}

/** The last of ascending times up to this one, or minus infinity. */
function latest(times: readonly number[], until: number): number {
  const count = countUpTo(times, (time) => time <= until)
  return count === 0 ? -Infinity : times[count - 1]!
}

/** The first of ascending times from this one on, or infinity. */
function earliest(times: readonly number[], from: number): number {
  return times[countUpTo(times, (time) => time < from)] ?? Infinity
}

function countUpTo(times: readonly number[], isBefore: (time: number) => boolean): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(times[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

function append(lists: Map<string, number[]>, key: string, at: number): void {
  const list = lists.get(key)
  if (list) list.push(at)
  else lists.set(key, [at])
}
