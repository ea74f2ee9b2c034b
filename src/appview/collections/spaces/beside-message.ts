import { co } from '../../../lexicons/index.ts'
import { readReference } from '../../reference.ts'

/** The key of a space's own record about a message: the message's, with its author, for two authors
 *  may use the same. Undefined for what is no message. */
export function keyBesideMessage(uri: string): string | undefined {
  const message = readReference(uri)
  if (message?.collection !== co.kendev.spaces.message.$type) return undefined
  return `${message.rkey}:${message.author}`
}
