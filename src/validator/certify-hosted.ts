import type { Timers } from '../clock.ts'
import type { Events } from '../events.ts'
import type { Log } from '../log.ts'
import { CERTIFICATE, type Certificate } from '../tokens/certificate.ts'
import type { Driven } from '../tokens/drive-transfer.ts'
import { type Refusal, isRefusal } from '../tokens/refusal.ts'

/** A transfer that wants a certificate: its account, and what names this very version of it. */
export type Wanted = { readonly account: string; readonly name: string }

/** Where wanted transfers come from, and how one of them is certified. Whatever has come to an end
 *  and is known by its record is not in the list any more. */
export type WantedSource<W extends Wanted = Wanted> = {
  list(): Promise<readonly W[]>
  /** Undefined when there is nothing to certify after all. */
  certify(wanted: W): Promise<Certified | Refusal | undefined>
}

/** How far a transfer came. `settled`: its epoch has ended with it, and by this certificate. */
type Certified = Driven | { readonly status: 'settled'; readonly certificate: Certificate }

type Parts = {
  readonly sources: readonly WantedSource[]
  /** Code of the ledger. */
  readonly code: string
  readonly publish: (puts: readonly CertificatePut[]) => Promise<void>
  readonly timers: Timers
  readonly events: Events
  readonly log: Log
}

/** A certificate where it is published. */
export type CertificatePut = {
  readonly collection: string
  readonly rkey: string
  readonly record: Record<string, unknown>
}

/** Between two rounds; certificates are published together, at most so often. */
const EVERY_MS = 2_000
/** What did not come to an end is tried again after this long, then after twice as long, … */
const AGAIN_MS = 2_000
const AGAIN_MAX_MS = 600_000
/** Certified at once; those of one account one after the other. */
const AT_ONCE = 8
const REMEMBERED_MAX = 10_000

/**
 * Has the transfers of accounts hosted here certified, and publishes the certificates that make
 * them final, until `signal`. Nothing is kept but in memory: what was not published is still wanted
 * after a restart, and certifying a transfer again gives the same.
 */
export async function certifyHosted(parts: Parts, signal: AbortSignal): Promise<void> {
  const { timers, log } = parts
  const later: Later = new Map()
  while (!signal.aborted) {
    await oneRound(parts, later, signal).catch((err: unknown) =>
      log.warn({ err }, 'transfers could not be certified'),
    )
    await timers.sleep(EVERY_MS, signal)
  }
}

type Later = Map<string, { at: number; waits: number; isFinal?: boolean }>

async function oneRound(parts: Parts, later: Later, signal: AbortSignal): Promise<void> {
  const { sources, publish, timers, code } = parts
  const queues: { source: WantedSource; wanted: readonly Wanted[] }[] = []
  for (const source of sources) {
    const accounts = Map.groupBy(await source.list(), ({ account }) => account)
    for (const wanted of accounts.values()) queues.push({ source, wanted })
  }
  const puts = new Map<string, CertificatePut>()
  const named: string[] = []
  const work = async () => {
    for (let next = queues.shift(); next && !signal.aborted; next = queues.shift()) {
      for (const wanted of next.wanted) {
        const { at = 0, isFinal = false } = later.get(wanted.name) ?? {}
        if (isFinal) continue
        if (at > timers.now().getTime()) break
        const driven = await certify(parts, next.source, wanted)
        wait(later, wanted.name, timers.now().getTime())
        // What follows it in its account cannot come before it.
        if (driven?.status !== 'final' && driven?.status !== 'settled') break
        const put = certificatePut(
          code,
          driven.status === 'final' ? driven.apply : driven.certificate,
        )
        puts.set(put.rkey, put)
        named.push(wanted.name)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (puts.size > 0) await publish([...puts.values()])
  // Its record is read like every other; until then it is not asked for again.
  for (const name of named) later.set(name, { at: 0, waits: 0, isFinal: true })
}

async function certify(
  { events, log }: Parts,
  source: WantedSource,
  wanted: Wanted,
): Promise<Certified | undefined> {
  try {
    const driven = await source.certify(wanted)
    if (driven === undefined) return undefined
    const { account } = wanted
    if (isRefusal(driven) || driven.status === 'failed') {
      const { reason, detail } = driven
      events.count('ledger.transfers.refused', { reason })
      log.info({ account, reason, detail }, 'a transfer is refused')
    }
    return isRefusal(driven) ? undefined : driven
  } catch (err) {
    log.warn({ err, account: wanted.account }, 'a transfer could not be certified')
    return undefined
  }
}

function wait(later: Later, name: string, now: number): void {
  const waits = (later.get(name)?.waits ?? 0) + 1
  later.set(name, { at: now + Math.min(AGAIN_MS * 2 ** (waits - 1), AGAIN_MAX_MS), waits })
  // What was forgotten is only tried once more than it need be.
  const [oldest] = later.keys()
  if (later.size > REMEMBERED_MAX && oldest !== undefined) later.delete(oldest)
}

/** The record that a certificate is published as, in the account of whoever publishes it. */
export function certificatePut(code: string, certificate: Certificate): CertificatePut {
  const { account, seq } = certificate
  const name = account
    .split(':')
    .at(-1)!
    .replaceAll(/[^a-zA-Z0-9.-]/g, '-')
  return {
    collection: CERTIFICATE,
    rkey: `${code.toLowerCase()}.${name}.${String(seq).padStart(12, '0')}`,
    record: JSON.parse(JSON.stringify(certificate)) as Record<string, unknown>,
  }
}
