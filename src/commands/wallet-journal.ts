import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere, writeDurably } from '../database/durable-file.ts'

/** A payment that was begun and whose end nobody has been told. */
export type OpenPayment = {
  readonly seq: number
  /** Id of the transfer. */
  readonly id: string
  readonly to: string
  /** micro-tokens */
  readonly amount: number
}

/** What a wallet remembers of one account on one ledger, across its ends. */
export type Journal = {
  read(): OpenPayment | undefined
  /** Durable when it returns. */
  write(payment: OpenPayment): void
  clear(): void
}

/** The journal of an account on a ledger, in a file of mode 0600. A transfer may become final after
 *  the wallet has ended, since the node of its sender has it certified too: without the journal the
 *  same command would pay again. */
export function openJournal(
  folder: string,
  { account, ledger }: { readonly account: string; readonly ledger: string },
): Journal {
  const file = join(folder, `${account.replaceAll(':', '-')}.${ledger}.json`)
  return {
    read() {
      const text = readIfThere(file)
      return text === undefined ? undefined : (JSON.parse(text) as OpenPayment)
    },
    write(payment) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeDurably(file, JSON.stringify(payment))
    },
    clear: () => rmSync(file, { force: true }),
  }
}
