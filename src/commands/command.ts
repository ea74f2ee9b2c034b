/** What is done by one word after `./angelos`. */
export type Command = {
  /** What `--help` prints under the summary; shows every option. */
  readonly usage: string
  /** Resolves with the exit code. Wrong options throw `UsageError`. */
  run(args: readonly string[]): Promise<number>
}

/** A word, and what `help` says of it. */
export type Named = { readonly name: string; readonly summary: string }

/** A command by the second word after `./angelos`. */
export type Verb = Command & Named

/** The command line is wrong; the message says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A file the command line names cannot be read; to be given to `catch`. */
export function fileFault(error: unknown): never {
  throw new UsageError(error instanceof Error ? error.message : String(error))
}
