/**
 * What the model of one contended slot is made of. A slot is one sequence number of one account.
 * Its owner is Byzantine and has signed two or three transfers for it, A, B and C. The text that is
 * modelled: "Angel Ledger Protocol v1", validator, status and epoch change. Written from that text
 * alone; nothing here comes from the production code.
 */

/** A set of transfers, one bit each: 1 is A, 2 is B, 4 is C. */
export type Transfers = number

/** Where the protocol may be made worse: what honest validators do, or how much a handover takes.
 *  Each must be noticed. */
export type Weakness =
  | 'forgets its lock in a crash'
  | 'locks a slot that is taken'
  | 'believes certificates of the epoch before'
  | 'applies without a certificate'
  | 'signs after its seal'
  | 'seals without its certificates'
  | 'signs two handovers'
  | 'one seal too few'
  | 'one handover signature too few'

/** What a handover carries into the next epoch, and what a receiver may take for final. */
export type Rule = {
  name: string
  /** the transfers that the handover settles, from the seals it names */
  carry: (seals: readonly Seal[], faults: number) => Transfers
  /** which signatures of a quorum show a transfer final: those that lock it, or that applied it */
  final: 'lock' | 'apply'
}

/** One protocol, as it is explored: a committee, what it carries over, and who misbehaves. */
export type Protocol = {
  /** validators of each epoch; committees may change, so epochs share none of their state */
  validators: number
  /** how many faulty ones the protocol promises to bear */
  faults: number
  /** how many truly are Byzantine */
  byzantine: number
  /** distinct signatures that make a certificate, and that make a handover valid; also the number
   *  of seals a handover names */
  quorum: number
  /** how many conflicting transfers the sender has signed for the slot, 1 to 3 */
  transfers: number
  rule: Rule
  /** Byzantine validators sign anything that is asked of them, or nothing at all */
  byzantineSign: boolean
  /** whether honest validators are asked to sign several handovers of an epoch, or the same one */
  proposals: 'several' | 'one'
  /** how many epochs stay in a state side by side; with 1, an epoch that is over is remembered only
   *  by what it settled and what was shown final in it (`beginNext` says why nothing is lost) */
  liveEpochs: number
  weakness: Weakness | null
}

/**
 * What one honest validator has done in one epoch, as bits: locks signed (3), lock certificates
 * held (3), apply signatures (3), whether it has sealed (1), locks (3) and certificates (3) in the
 * seal, and one bit for each outcome of a handover it signed (8). Byzantine validators have no
 * state: whatever they could have signed, they have.
 */
export type Local = number

const SET = 0b111
const HOLDS_AT = 3
const APPLIED_AT = 6
const SEALED = 1 << 9
const SEAL_LOCKS_AT = 10
const SEAL_CERTIFICATES_AT = 13
const SIGNED_AT = 16

/** A validator that has done nothing yet. */
export const FRESH: Local = 0

/** Transfers it has signed a lock for. */
export const locksOf = (local: Local): Transfers => local & SET
/** Transfers it holds a lock certificate of. */
export const holdsOf = (local: Local): Transfers => (local >> HOLDS_AT) & SET
/** Transfers it has signed an apply for. */
export const appliedOf = (local: Local): Transfers => (local >> APPLIED_AT) & SET
/** Whether it has sealed the epoch. */
export const hasSealed = (local: Local): boolean => (local & SEALED) !== 0
/** Handovers it has signed: bit `o` stands for the one that settles the transfers `o`. */
export const signedOf = (local: Local): number => local >> SIGNED_AT

/** It signs a lock for the transfer. */
export const withLock = (local: Local, transfer: Transfers): Local => local | transfer
/** It is shown a lock certificate of the transfer. */
export const withCertificate = (local: Local, t: Transfers): Local => local | (t << HOLDS_AT)
/** It signs that it has applied the transfer. */
export const withApply = (local: Local, t: Transfers): Local => local | (t << APPLIED_AT)
/** It signs the handover that settles `outcome`. */
export const withHandover = (local: Local, outcome: Transfers): Local =>
  local | (1 << (SIGNED_AT + outcome))

/** What a validator says of an epoch when it leaves it. */
export type Seal = { locks: Transfers; certificates: Transfers }

/** It seals; what it learns or signs later does not change what the seal says. */
export function withSeal(local: Local, { locks, certificates }: Seal): Local {
  return local | SEALED | (locks << SEAL_LOCKS_AT) | (certificates << SEAL_CERTIFICATES_AT)
}

/** The seal of one that has sealed. */
export function sealOf(local: Local): Seal {
  return {
    locks: (local >> SEAL_LOCKS_AT) & SET,
    certificates: (local >> SEAL_CERTIFICATES_AT) & SET,
  }
}

/** The same validator where transfers have other names: `name` has for each set the one it is. */
export function renamed(local: Local, name: readonly Transfers[]): Local {
  let signed = 0
  for (let outcome = 0; outcome < name.length; outcome++)
    if (signedOf(local) & (1 << outcome)) signed |= 1 << name[outcome]!
  const seal = sealOf(local)
  return (
    name[locksOf(local)]! |
    (name[holdsOf(local)]! << HOLDS_AT) |
    (name[appliedOf(local)]! << APPLIED_AT) |
    (local & SEALED) |
    (name[seal.locks]! << SEAL_LOCKS_AT) |
    (name[seal.certificates]! << SEAL_CERTIFICATES_AT) |
    (signed << SIGNED_AT)
  )
}

/** One epoch: what the slot held when it began, and what each honest validator has done in it. */
export type Epoch = { settled: Transfers; locals: readonly Local[] }

/** One state of the whole: epochs oldest first, and what was shown final in those left behind. */
export type State = { shown: Transfers; epochs: readonly Epoch[] }

/** The first epoch, the slot free, nothing signed. */
export function initialState(protocol: Protocol): State {
  return { shown: 0, epochs: [freshEpoch(protocol, 0)] }
}

/** An epoch that begins with what its predecessor settled. */
export function freshEpoch(protocol: Protocol, settled: Transfers): Epoch {
  const honest = protocol.validators - protocol.byzantine
  return { settled, locals: Array.from({ length: honest }, () => FRESH) }
}

/** Signatures that Byzantine validators add to whatever wants one. */
export const helping = (p: Protocol): number => (p.byzantineSign ? p.byzantine : 0)

/** The transfers the sender has signed, each as its bit. */
export function transfersOf(protocol: Protocol): readonly Transfers[] {
  return [1, 2, 4].slice(0, protocol.transfers)
}

/** How many transfers are in a set. */
export const countOf = (t: Transfers): number => (t & 1) + ((t >> 1) & 1) + ((t >> 2) & 1)
