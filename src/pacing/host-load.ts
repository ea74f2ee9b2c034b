import type { Timers } from '../clock.ts'
import { type Backoff, retryTime } from './backoff.ts'

type Host = { taken: number; failures: number; restsUntil: number }

/** How busy each host is with our fetches, and which do not answer. */
export class HostLoad {
  readonly #options: { perHost: number; rest: Backoff; timers: Timers }
  readonly #known = new Map<string, Host>()

  constructor(options: { perHost: number; rest: Backoff; timers: Timers }) {
    this.#options = options
  }

  /** One more repo is fetched there. */
  take(host: string | null): void {
    if (host !== null) this.#of(host).taken += 1
  }

  /** One less. */
  release(host: string | null): void {
    if (host === null) return
    const known = this.#of(host)
    known.taken -= 1
    if (known.taken <= 0 && known.failures === 0) this.#known.delete(host)
  }

  /** It has not answered: all its repos wait, longer each time. */
  silent(host: string): void {
    const known = this.#of(host)
    const { rest, timers } = this.#options
    known.restsUntil = retryTime(rest, known.failures, timers).getTime()
    known.failures += 1
  }

  /** It has answered, whatever it was. */
  answered(host: string): void {
    const known = this.#of(host)
    known.failures = 0
    known.restsUntil = 0
  }

  /** Whether more is fetched there than may be. */
  isOver(host: string | null): boolean {
    return host !== null && this.#of(host).taken > this.#options.perHost
  }

  /** Where no more can be fetched now. */
  full(): string[] {
    const now = this.#options.timers.now().getTime()
    const full = ({ taken, restsUntil }: Host) => taken >= this.#options.perHost || restsUntil > now
    return [...this.#known].flatMap(([host, known]) => (full(known) ? [host] : []))
  }

  /** Those that do not answer. */
  resting(): string[] {
    const now = this.#options.timers.now().getTime()
    return [...this.#known].flatMap(([host, { restsUntil }]) => (restsUntil > now ? [host] : []))
  }

  #of(host: string): Host {
    const known = this.#known.get(host) ?? { taken: 0, failures: 0, restsUntil: 0 }
    this.#known.set(host, known)
    return known
  }
}
