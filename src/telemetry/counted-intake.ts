import type { Events, LabelsOf } from '../events.ts'
import type { Connect } from '../firehose/socket.ts'
import type { Verifier } from '../firehose/verifier.ts'

/** The same transport, with the frames of each host counted. `hostOf` names the host of a
 *  connection by its address. */
export function countedConnect(
  connect: Connect,
  events: Events,
  hostOf: (url: URL) => string,
): Connect {
  return (options) => {
    const labels = { host: hostOf(options.url) }
    const onMessage = (bytes: Uint8Array) => {
      events.count('firehose.frames', labels)
      options.onMessage(bytes)
    }
    return connect({ ...options, onMessage })
  }
}

/** The name of a host by the address of its stream. */
export function hostsByStream(own: { host: string; service: string }): (url: URL) => string {
  const originOf = (url: URL) => url.origin.replace(/^ws/, 'http')
  const service = originOf(new URL(own.service))
  return (url) => (originOf(url) === service ? own.host : originOf(url))
}

/** The same verifier, with the time of each verdict recorded. */
export function countedVerifier(verifier: Verifier, events: Events): Verifier {
  const labels: Record<'commit' | 'sync', LabelsOf<'firehose.verification'>> = {
    commit: { kind: 'commit' },
    sync: { kind: 'sync' },
  }
  return {
    async verify(job) {
      const done = events.time('firehose.verification', labels[job.message.kind])
      try {
        return await verifier.verify(job)
      } finally {
        done()
      }
    },
    get queued() {
      return verifier.queued
    },
    close: () => verifier.close(),
  }
}
