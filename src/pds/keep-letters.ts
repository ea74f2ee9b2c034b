import type { PDS } from '@atproto/pds'

/** A letter of the PDS: codes to confirm an address or to reset a password. */
type PdsLetter = { to: string; subject: string; text: string; key: string }

/**
 * Without a mail server the package writes its letters into nothing. This gives each of them to
 * `send`, so that whoever runs the node, or a test, can read the codes in them.
 */
export function keepLetters(pds: PDS, send: (letter: PdsLetter) => Promise<void>): void {
  const { transporter } = pds.ctx.mailer
  const compose = transporter.sendMail.bind(transporter)
  transporter.sendMail = (async (mail: Parameters<typeof compose>[0]) => {
    const sent = (await compose(mail)) as { message: unknown }
    const { to, subject, text, messageId } = JSON.parse(String(sent.message)) as Composed
    for (const { address } of to) await send({ to: address, subject, text, key: messageId })
    return sent
  }) as typeof transporter.sendMail
}

type Composed = { to: { address: string }[]; subject: string; text: string; messageId: string }
