/** A transfer in the provider's own repo. */
export type OwnTransfer = {
  readonly rkey: string
  readonly epoch: number
  readonly seq: number
  /** Address of the transfer that it answers. */
  readonly ref?: string
}

/** Transfers of an account with a ledger's code, behind a number, in the order of numbers. */
export type ListOwn = (account: string, code: string, after: number) => Promise<OwnTransfer[]>

/** What an account has answered on a ledger, by its own repo. */
export type AnswerBook = {
  /** Reads on from where it was; `seq` is the last number that was applied. */
  read(seq: number): Promise<OwnBook>
}

/** What stands in the repo now. */
export type OwnBook = {
  /** Whether a payment is answered by a transfer that counts, or that may still come to count in
   *  this epoch. One that its epoch has ended without is void. */
  isAnswered(paid: string, epoch: number): boolean
  /** The transfer at a number, if one is written. */
  at(seq: number): OwnTransfer | undefined
}

/**
 * Keeps what an account has answered. The repo says it, which holds one transfer for each number: a
 * provider's node that is killed after it has written an answer finds it there, however far behind
 * its views are. What was applied does not change and is read once.
 */
export function answerBook(list: ListOwn, account: string, code: string): AnswerBook {
  const applied = new Set<string>()
  let upTo = 0
  return {
    async read(seq) {
      const open: OwnTransfer[] = []
      for (const one of await list(account, code, upTo)) {
        if (one.seq > seq) open.push(one)
        else if (one.ref !== undefined) applied.add(one.ref)
      }
      upTo = Math.max(upTo, seq)
      return {
        isAnswered: (paid, epoch) =>
          applied.has(paid) || open.some((one) => one.ref === paid && one.epoch >= epoch),
        at: (number) => open.find((one) => one.seq === number),
      }
    },
  }
}
