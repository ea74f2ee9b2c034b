import { type LexValue, lexToJson } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import type { SendMail } from '../../mail/mail.ts'
import { order as orders } from '../collections/commerce/order.ts'
import { type Asking, linkTo } from './order-access.ts'
import type { OrderAt, OrderRecord } from './order-records.ts'

/** What writing to guests needs. */
export type Writing = Asking & {
  readonly sendMail: SendMail
  /** Where this node is reached. */
  readonly origin: string
}

/** Writes to the guest who has placed an order that something has happened to it, with the link
 *  that leads back to it. Written again, the letter has the same Message-ID. */
export async function writeToGuest(
  w: Writing,
  { what, at, ...order }: OrderAt & { readonly what: string; readonly at: string },
): Promise<void> {
  const { rows } = await w.sql.query<{ bytes: Uint8Array; shop: string }>(GUEST, [
    order.place,
    order.tenant,
    orders.nsid,
    order.rkey,
  ])
  const [found] = rows
  if (!found) return
  const { shop } = found
  const record = lexToJson(decode(found.bytes) as LexValue) as OrderRecord
  const { orderNumber: number, contact } = record
  if (!contact?.email) return
  const lines = [
    `Your order ${number} at ${shop} ${what}.`,
    '',
    `With this link you come back to it at ${w.origin}; keep it for yourself:`,
    '',
    linkTo(w, order),
  ]
  const subject = `Your order ${number} ${what}`
  const key = `order ${order.rkey} ${what} ${at}`
  await w.sendMail({ to: contact.email, subject, text: lines.join('\n'), key })
}

/** The record is there before the job is; the views may still be behind. */
const GUEST = `select r.bytes, t.name as shop
  from repo.record r join node.tenant t on t.did = r.did
  where r.space = $1 and r.did = $2 and r.collection = $3 and r.rkey = $4`
