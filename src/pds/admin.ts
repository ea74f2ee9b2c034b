import { createHash, timingSafeEqual } from 'node:crypto'

/** Makes the check of an `authorization` header for the administrator's password, as the PDS's own
 *  `com.atproto.admin.*` methods take it: basic, for the user `admin`. */
export function adminCheck(password: string): (header: string | undefined) => boolean {
  const expected = digest(`admin:${password}`)
  return (header) => {
    const [, credentials = ''] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '') ?? []
    return timingSafeEqual(digest(Buffer.from(credentials, 'base64')), expected)
  }
}

/** Of equal length whatever was given, so that comparing tells nothing. */
function digest(text: string | Buffer): Buffer {
  return createHash('sha256').update(text).digest()
}
