import type { Timers } from '../../src/clock.ts'

/** A process that can end between any two of its steps: then nothing of it goes on. */
export class Life {
  #stepsLeft = Infinity
  #ended = false

  /** It ends after so many more half steps: before what is called has happened, or after. */
  endAfter(steps: number): void {
    this.#stepsLeft = steps
  }

  get ended(): boolean {
    return this.#ended
  }

  end(): void {
    this.#ended = true
  }

  /** The same methods, called by this process only while it lives. */
  lend<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (of, name) => {
        const value: unknown = Reflect.get(of, name)
        if (typeof value !== 'function') return value
        return async (...given: unknown[]): Promise<unknown> => {
          await this.#step()
          const result: unknown = await Reflect.apply(value, of, given)
          await this.#step()
          return result
        }
      },
    })
  }

  /** Time that does not pass for a process that has ended. */
  timers(timers: Timers): Timers {
    return {
      now: () => timers.now(),
      random: () => timers.random(),
      sleep: async (ms, signal) => {
        await timers.sleep(ms, signal)
        await this.#alive()
      },
      breathe: async () => {
        await timers.breathe()
        await this.#alive()
      },
    }
  }

  async #step(): Promise<void> {
    this.#stepsLeft -= 1
    if (this.#stepsLeft <= 0) this.#ended = true
    await this.#alive()
  }

  #alive(): Promise<void> {
    return this.#ended ? new Promise<never>(() => undefined) : Promise.resolve()
  }
}
