/** Resolves at the first Ctrl-C or SIGTERM. A second one ends the process where it stands. */
export function stopSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(130))
      resolve(signal)
    })
  }
  return promise
}
