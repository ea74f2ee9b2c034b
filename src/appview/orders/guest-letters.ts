import type { SendMail } from '../../mail/mail.ts'
import { type Asking, linkTo } from './order-access.ts'
import type { OrderAt } from './order-records.ts'

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
  const { rows } = await w.sql.query<{ number: string; email: string | null; shop: string }>(
    GUEST,
    [order.tenant, order.place, order.rkey],
  )
  const [found] = rows
  // The job is there as soon as the order is, and then tried again.
  if (!found) throw new Error(`the order ${order.rkey} is not in the views yet`)
  if (!found.email) return
  const { number, email, shop } = found
  const lines = [
    `Your order ${number} at ${shop} ${what}.`,
    '',
    `With this link you come back to it at ${w.origin}; keep it for yourself:`,
    '',
    linkTo(w, order),
  ]
  const subject = `Your order ${number} ${what}`
  const key = `order ${order.rkey} ${what} ${at}`
  await w.sendMail({ to: email, subject, text: lines.join('\n'), key })
}

const GUEST = `select o."orderNumber" as number, o.content->'contact'->>'email' as email,
    t.name as shop
  from appview."order" o join node.tenant t on t.did = o.did
  where o.did = $1 and o.place = $2 and o.rkey = $3`
