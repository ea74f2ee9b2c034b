import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a link lets whoever has it do, with what, and until when. */
export type Link = { readonly purpose: string; readonly subject: string; readonly until: Date }

/** Makes and reads links that prove by themselves what they are good for. */
export type SignedLinks = {
  sign(link: Link): string
  /** What a link is about; undefined for one of another purpose, one that has expired at `now`, or
   *  that this node has not made. */
  read(token: string, purpose: string, now: Date): string | undefined
}

const TOKEN_MAX = 2_048

/** Signs with HMAC-SHA256 under a key that is used for nothing else. */
export function createSignedLinks(secret: string): SignedLinks {
  const mac = (text: string) => createHmac('sha256', secret).update(text).digest()
  return {
    sign({ purpose, subject, until }) {
      const body = Buffer.from(JSON.stringify([purpose, subject, until.getTime()]))
      const text = body.toString('base64url')
      return `${text}.${mac(text).toString('base64url')}`
    },
    read(token, purpose, now) {
      if (token.length > TOKEN_MAX) return undefined
      const [text = '', signature = '', ...more] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const expected = mac(text)
      if (more.length > 0 || given.length !== expected.length) return undefined
      if (!timingSafeEqual(given, expected)) return undefined
      const [meant, subject, until] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [
        string,
        string,
        number,
      ]
      return meant === purpose && until > now.getTime() ? subject : undefined
    },
  }
}
