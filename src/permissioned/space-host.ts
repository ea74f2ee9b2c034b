import type { DidDocument } from '../identity/identity.ts'
import { SPACE_HOST } from './wire.ts'

/** Where the services of a DID document are looked for, in this order. */
const SERVICES = [SPACE_HOST, '#atproto_pds']

/** The origin of the host that answers for the spaces of the account a document describes. */
export function spaceHostOf(document: DidDocument): string | undefined {
  const services = document.service ?? []
  for (const fragment of SERVICES) {
    const named = services.find(({ id }) => id === fragment || id === `${document.id}${fragment}`)
    const endpoint = named?.serviceEndpoint
    const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null
    if (url !== null && url.origin !== 'null') return url.origin
  }
  return undefined
}
