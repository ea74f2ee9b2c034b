import type { Timers } from '../clock.ts'
import type { Backoff } from './backoff.ts'

type Pds = { taken: number; failures: number; restsUntil: number }

/** How busy each PDS is with our fetches, and which do not answer. */
export class PdsLoad {
  readonly #options: { perPds: number; rest: Backoff; timers: Timers }
  readonly #known = new Map<string, Pds>()

  constructor(options: { perPds: number; rest: Backoff; timers: Timers }) {
    this.#options = options
  }

  /** One more repo is fetched there. */
  take(pds: string | null): void {
    if (pds !== null) this.#of(pds).taken += 1
  }

  /** One less. */
  release(pds: string | null): void {
    if (pds === null) return
    const known = this.#of(pds)
    known.taken -= 1
    if (known.taken <= 0 && known.failures === 0) this.#known.delete(pds)
  }

  /** It has not answered: all its repos wait, longer each time. */
  silent(pds: string): void {
    const known = this.#of(pds)
    const { rest, timers } = this.#options
    const ms = Math.min(rest.maxMs, rest.firstMs * 2 ** Math.min(known.failures, 30))
    known.failures += 1
    known.restsUntil = timers.now().getTime() + ms * (0.5 + timers.random() / 2)
  }

  /** It has answered, whatever it was. */
  answered(pds: string): void {
    const known = this.#of(pds)
    known.failures = 0
    known.restsUntil = 0
  }

  /** Whether more is fetched there than may be. */
  isOver(pds: string | null): boolean {
    return pds !== null && this.#of(pds).taken > this.#options.perPds
  }

  /** Where no more can be fetched now. */
  full(): string[] {
    const now = this.#options.timers.now().getTime()
    const full = ({ taken, restsUntil }: Pds) => taken >= this.#options.perPds || restsUntil > now
    return [...this.#known].flatMap(([pds, known]) => (full(known) ? [pds] : []))
  }

  /** Those that do not answer. */
  resting(): string[] {
    const now = this.#options.timers.now().getTime()
    return [...this.#known].flatMap(([pds, { restsUntil }]) => (restsUntil > now ? [pds] : []))
  }

  #of(pds: string): Pds {
    const known = this.#known.get(pds) ?? { taken: 0, failures: 0, restsUntil: 0 }
    this.#known.set(pds, known)
    return known
  }
}
