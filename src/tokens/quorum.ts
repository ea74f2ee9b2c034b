/** Most faulty validators that a committee of `n` bears: ⌈n/3⌉ − 1. */
export function faultsBorne(n: number): number {
  return Math.ceil(n / 3) - 1
}

/**
 * Distinct validators of `n` that make a certificate: ⌈(n + ⌈n/3⌉) / 2⌉, the least number of which
 * any two such sets share more validators than may be faulty, for any n (Linera, `Committee`;
 * FastPay's 2n/3 + 1 asks for one more where n is divisible by three).
 */
export function quorumOf(n: number): number {
  return Math.ceil((n + Math.ceil(n / 3)) / 2)
}
