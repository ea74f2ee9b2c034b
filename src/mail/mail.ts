import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'

/** A letter in plain text. */
export type Letter = {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** Letters with the same key are the same letter: whoever sends it twice is found out by it. */
  readonly key: string
}

/** Sends letters; throws when one could not be given to the mail server. */
export type SendMail = (letter: Letter) => Promise<void>

/** Letters go to the mail server at `smtpUrl`; without one they are put into `folder`, one file
 *  each, where a person or a test can read them (RFC 5322). */
export function openMail(options: {
  smtpUrl: string | undefined
  from: string
  folder: string
  hostname: string
}): SendMail {
  const { smtpUrl, from, folder, hostname } = options
  const server = smtpUrl === undefined ? undefined : createTransport(smtpUrl)
  return async ({ key, ...letter }) => {
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32)
    const message = { from, ...letter, messageId: `<${name}@${hostname}>` }
    if (server) await server.sendMail(message)
    else await keep(message, { folder, name })
  }
}

async function keep(
  message: object,
  { folder, name }: { folder: string; name: string },
): Promise<void> {
  const composer = createTransport({ streamTransport: true, buffer: true })
  const { message: bytes } = await composer.sendMail(message)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${name}.eml`)
  await writeFile(`${path}.part`, bytes, { mode: 0o600 })
  await rename(`${path}.part`, path)
}
