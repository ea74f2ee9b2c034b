import { InvalidRequestError } from '@atproto/xrpc-server'

/**
 * The package's own write errors as XRPC answers (400): a lost swap is `InvalidSwap`, a key in use
 * `RecordAlreadyExists`, an absent one `RecordNotFound`, a record it refuses `InvalidRequest`.
 * Anything else comes back as it is. The package exports no class for these, so they are told by
 * the names of their classes and, for the repo's tree, by their words.
 */
export function toXrpcError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const name = answerName(error)
  return name === undefined ? error : new InvalidRequestError(error.message, name, { cause: error })
}

function answerName(error: Error): string | undefined {
  switch (error.constructor.name) {
    case 'BadCommitSwapError':
    case 'BadRecordSwapError':
      return 'InvalidSwap'
    case 'InvalidRecordError':
    case 'InvalidRecordKeyError':
      return 'InvalidRequest'
  }
  if (error.message.startsWith('There is already a value at key')) return 'RecordAlreadyExists'
  if (error.message.startsWith('Could not find a record with key')) return 'RecordNotFound'
  return undefined
}
