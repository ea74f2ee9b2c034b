import { type Sequencer } from './package-parts.ts'

const LONGEST_WAIT_MS = 1000

/**
 * Makes the sequencer's wait between polls end when `wake` is called. The package doubles the wait
 * up to a second, because it expects events from other processes only; that stays.
 */
export function interruptPolls(sequencer: Sequencer): { wake(): void } {
  let end: (() => void) | undefined
  // A wake during a poll: what it was for may have come too late for that poll.
  let missed = false
  const wait = async (): Promise<void> => {
    if (missed || sequencer.destroyed) {
      missed = false
      return
    }
    sequencer.triesWithNoResults++
    const ms = Math.min(2 ** sequencer.triesWithNoResults, LONGEST_WAIT_MS)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      end = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    end = undefined
  }
  // Private in its class only; `pollDb` looks it up on the instance.
  Object.assign(sequencer, { exponentialBackoff: wait })
  const wake = (): void => {
    if (end === undefined) missed = true
    else end()
  }
  const destroy = sequencer.destroy.bind(sequencer)
  sequencer.destroy = async () => {
    const done = destroy()
    wake()
    await done
  }
  return { wake }
}
