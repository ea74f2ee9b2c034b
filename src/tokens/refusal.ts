/** A named no to what somebody else has sent: returned, stored and counted, never thrown. */
export type Refusal = { readonly ok: false; readonly reason: Reason; readonly detail: string }

/** Why a transfer, certificate, epoch or seal does not count. */
export type Reason =
  // any record
  | 'TooLarge'
  | 'NotCanonical'
  | 'Malformed'
  | 'WrongLedger'
  | 'WrongEpoch'
  // a transfer by itself
  | 'BadAmount'
  | 'SelfCredit'
  | 'DuplicateCredit'
  | 'BadSplit'
  | 'FeeMissing'
  | 'SpendSignatureMissing'
  | 'BadSpendSignature'
  | 'NotInRepo'
  | 'IdentityUnknown'
  | 'AccountTombstoned'
  // a transfer at its account
  | 'EpochClosing'
  | 'Expired'
  | 'NeedCertificates'
  | 'WrongPrev'
  | 'AlreadyCertified'
  | 'Equivocation'
  | 'InsufficientFunds'
  | 'KeyOnHold'
  | 'LimitWithoutDeviceKey'
  // minting
  | 'PoolCannotReceive'
  | 'NotAPool'
  | 'WrongKind'
  | 'OverTransferCap'
  | 'OverRecipientCap'
  | 'WitnessesMissing'
  | 'BadWitness'
  | 'ApprovalsMissing'
  | 'BadApproval'
  // certificates and attestations
  | 'WrongPhase'
  | 'WrongCommittee'
  | 'WrongTransfer'
  | 'WrongAccount'
  | 'WrongSeq'
  | 'TooFewSigners'
  | 'DuplicateSigner'
  | 'UnknownSigner'
  | 'BadSignature'
  | 'BadBatchSignature'
  | 'BadBatchPath'
  // epochs
  | 'WrongGenesis'
  | 'BrokenEpochChain'
  | 'BadCommittee'
  | 'BadQuorum'
  | 'OverSupplyCap'
  | 'BadGrant'
  | 'HandoverNotSigned'
  | 'HandoverMissing'
  | 'WrongSeal'
  | 'WrongStateRoot'
  | 'WrongSettledRoot'
  | 'WrongSupply'
  | 'WrongPersonhood'
  | 'EpochUnknown'
  | 'EpochOpen'
  | 'NotSettled'
  | 'GapInCertificates'
  | 'Overdraft'

/** Makes a refusal; `detail` says what was found and what was expected, in at most 500 characters,
 *  since what was found may be as long as a record. */
export function refuse(reason: Reason, detail: string): Refusal {
  return { ok: false, reason, detail: detail.slice(0, 500) }
}

/** Whether a result is a refusal. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false
}

/** A step that the protocol's bounds make impossible: two certified histories of one account. More
 *  is broken than a ledger bears, so whoever meets it stops signing instead of going on. */
export class ImpossibleStep extends Error {
  override name = 'ImpossibleStep'
}
