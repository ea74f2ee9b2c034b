import type { Observers } from './observers.ts'

const PHASES = ['open', 'draining', 'sealed'] as const

/** What is looked at of the ledger that a node follows. */
export type LedgerParts = {
  /** Where its validator is; undefined while it is none. */
  readonly validator: () => { epoch: number; phase: string } | undefined
  /** Transfers applied of which no certificate was read here; undefined where nobody knows. */
  readonly unpublished: () => number | undefined
  /** Published certificates that do not hold, by reason. */
  readonly refused: () => Promise<Readonly<Record<string, number>>>
}

/** Observes the validator of a node, and what it has read of its ledger. */
export function observeLedger({ observe }: Pick<Observers, 'observe'>, parts: LedgerParts): void {
  const { validator, unpublished, refused } = parts
  observe('validator.epoch', () => {
    const at = validator()
    return at ? [{ labels: {}, value: at.epoch }] : []
  })
  observe('validator.phase', () => {
    const at = validator()
    return at
      ? PHASES.map((phase) => ({ labels: { phase }, value: Number(phase === at.phase) }))
      : []
  })
  observe('validator.unpublished', () => {
    const value = unpublished()
    return value === undefined ? [] : [{ labels: {}, value }]
  })
  observe('ledger.certificates.refused', async () =>
    Object.entries(await refused()).map(([reason, value]) => ({ labels: { reason }, value })),
  )
}
