import type { Clock } from '../../clock.ts'
import type { Outbox } from '../../jobs/jobs.ts'
import { co } from '../../lexicons/index.ts'
import type { SendMail } from '../../mail/mail.ts'
import type { SignedLinks } from '../business/signed-links.ts'
import { noticeJob } from '../notify.ts'
import type { SentInvoice } from './issue.ts'
import { linkToInvoice } from './read-invoices.ts'

/** What telling customers of invoices needs. */
export type TellingInvoices = {
  readonly outbox: Outbox
  readonly links: SignedLinks
  readonly clock: Clock
  readonly sendMail: SendMail
  /** The origin of this node. */
  readonly origin: string
}

/** Tells the customer of an invoice or credit note: somebody with an account in their list, a guest
 *  by letter. Done again, it is told once. */
export async function tellInvoice(t: TellingInvoices, invoice: SentInvoice): Promise<void> {
  const what = invoice.kind === 'invoice' ? 'invoice' : 'credit note'
  const { uri, number, customer, email, seller = '' } = invoice
  const query = new URLSearchParams({ uri, link: linkToInvoice(t, uri) })
  const file = `${t.origin}/xrpc/${co.kendev.commerce.getInvoiceFile.$lxm}?${String(query)}`
  const data = { what, number, seller, file }
  if (customer !== undefined) {
    const notice = { recipient: customer, kind: 'invoiceSent', key: uri, subject: uri, data }
    return t.outbox.transact((_tx, queue) => queue(noticeJob(notice)))
  }
  if (email === undefined) return
  await t.sendMail({
    to: email,
    subject: `Your ${what} ${number} from ${seller}`,
    text: `Your ${what} ${number} is here:\n${file}`,
    key: `invoice ${uri}`,
  })
}
