/** One thing measured: ours beside the reference, in `unit`. `goal` is what the ratio should reach,
 *  or ours where there is no reference; null where there is none. */
export type Figure = {
  readonly bench: string
  readonly goal: number | null
  readonly ours: number
  readonly reference: number | null
  readonly ratio: number | null
  readonly unit: string
}

/** What a bench prints as its last line: its first goal, and what else it measured beside it. */
export type BenchResult = Figure & { readonly more: readonly Figure[] }
