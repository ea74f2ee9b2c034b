import { InvalidRequestError } from '@atproto/xrpc-server'

/** The answer for what is not there, and for what the caller may not see. */
export function notFound(what: string): InvalidRequestError {
  return new InvalidRequestError(`There is no ${what} here.`, 'NotFound')
}
