/** The pieces, until the signal aborts: then it throws, also while it waits for one. */
export async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await unlessAborted(pieces.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // Whoever does not send any more does not answer to this either.
    pieces.return?.().catch(() => undefined)
  }
}

/** Settles as `work` does, or rejects when the signal aborts, whichever is first. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  work.catch(() => undefined)
  if (signal.aborted) throw signal.reason
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
