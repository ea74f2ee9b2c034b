import type { AccountKeys } from '../../src/tokens/account.ts'
import type { Certificate } from '../../src/tokens/certificate.ts'
import type { Submission } from '../../src/tokens/check-order.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import type { ReadEpoch } from '../../src/tokens/epoch.ts'
import type { Person } from '../../src/tokens/pool-rules.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import type { Outcome } from '../../src/tokens/settle.ts'
import type { TokenSigner } from '../../src/tokens/token-crypto.ts'
import {
  type ReadTransfer,
  TRANSFER,
  type Transfer,
  readTransfer,
  signSpend,
} from '../../src/tokens/transfer.ts'
import type { Answer } from '../../src/tokens/validator.ts'
import type { Directory } from './directory.ts'
import type { Proposal, SealBundle } from './governance.ts'
import type { Network } from './network.ts'
import type { Oracle } from './oracle.ts'
import type { Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { CryptoSuite } from './stub-crypto.ts'

/** A transfer with the certificate of locks or of applies. */
export type Certified = { readonly read: ReadTransfer; readonly certificate: Certificate }

/** An epoch as everybody may have it. */
export type Published = {
  readonly read: ReadEpoch
  readonly bytes: Uint8Array
  readonly seals: readonly SealBundle[]
  /** How the epoch before it ended. */
  readonly before?: Outcome
}

/** A validator's node as others see it. A message that is bad by its making says how; then any
 *  answer but no is a breach. */
export type Node = {
  readonly did: string
  order(submission: Submission, reply?: Reply, bad?: string): Promise<void>
  certificate(certified: Certified, reply?: Reply, bad?: string): Promise<void>
  /** Sends what was applied of the account from a number on. */
  pull(account: string, from: number, give: (found: readonly Certified[]) => void): void
  /** Asks peers for what it lacks. */
  catchUp(): void
  drain(epoch: number): Promise<void>
  seal(epoch: number, give: (bundle: SealBundle) => void): Promise<void>
  propose(proposal: Proposal, give: (signature: Uint8Array) => void): Promise<void>
  /** Number of the epoch it is in; of a liar the newest. */
  epoch(): number
  /** Goes on to the newest epoch that was published. */
  enter(): Promise<void>
}

/** How an answer comes back. */
export type Reply = (answer: Answer) => void

/** Everything that a run has. */
export type World = {
  readonly plan: Plan
  readonly suite: CryptoSuite
  readonly net: Network
  readonly oracle: Oracle
  readonly directory: Directory
  readonly persons: ReadonlyMap<string, Person>
  /** A stream of chance of its own for each name. */
  random(name: string): Random
  readonly nodes: Map<string, Node>
  readonly liars: ReadonlySet<string>
  /** Keys of the validators of an epoch. */
  signerOf(validator: string, epoch: number): TokenSigner
  readonly chain: Published[]
  /** Lock certificates that credit an account. */
  readonly credits: Map<string, Certified[]>
  /** What was shown final, with the certificate of applies. */
  readonly finals: Certified[]
  /** Certificates that were shown to nobody before their epoch was over. */
  readonly hidden: Certified[]
  /** While it is true, people make orders and attackers attack. */
  isTroubled: boolean
  /** Whether a certificate is one of locks, and good. */
  isGood(certified: Certified): boolean
  /** The transfer of a record that was read before. */
  read(account: string, record: Uint8Array): ReadTransfer
  /** The transfer of any record, if it is one. */
  reread(account: string, record: Uint8Array): ReadTransfer | undefined
  /** Accounts that send. */
  readonly active: readonly string[]
  /** A liar signs any proposal. */
  signProposal(validator: string, bytes: Uint8Array): Uint8Array
  /** Somebody was paid for good. */
  paid: (read: ReadTransfer) => void
  /** A certificate that credits somebody is known. */
  credit(to: string, certified: Certified): void
  met(scenario: number): void
}

/** The newest epoch. */
export function headOf({ chain }: Pick<World, 'chain'>): Published {
  return chain.at(-1)!
}

/** The DIDs of the validators of the newest epoch. */
export function membersOf(world: Pick<World, 'chain'>): string[] {
  return headOf(world).read.epoch.validators.map(({ did }) => did)
}

/** A did:plc that reads as a name. */
export function didOf(name: string): string {
  const letters = name
    .toLowerCase()
    .replaceAll(/[0189]/g, (digit) => 'klmn'['0189'.indexOf(digit)]!)
    .replaceAll(/[^a-z2-7]/g, '')
  return `did:plc:${letters.slice(0, 24).padEnd(24, '2')}`
}

/** An instant as records have it. */
export function instantOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** What an order is made of beside its place. */
export type Content = Partial<Transfer> & Pick<Transfer, 'credits'>

/** A transfer of an account in the newest epoch, signed for spending. */
export function makeTransfer(
  world: World,
  account: string,
  content: Content,
  signer: TokenSigner | undefined,
): ReadTransfer {
  const { epoch, id } = headOf(world).read
  const bare: Transfer = {
    $type: TRANSFER,
    ledger: epoch.ledger ?? id,
    epoch: epoch.epoch,
    seq: 1,
    kind: 'peer_recognition',
    createdAt: instantOf(world.net.now),
    signatures: [],
    ...content,
  }
  const unsigned = readOwn(world, account, bare)
  if (!signer) return unsigned
  const signatures = [...bare.signatures, signSpend(signer, unsigned.id)]
  return readOwn(world, account, { ...bare, signatures })
}

function readOwn({ suite }: World, account: string, transfer: Transfer): ReadTransfer {
  const found = readTransfer(suite.crypto, account, encodeRecord(transfer))
  if (isRefusal(found)) throw new Error(`${found.reason}: ${found.detail}`)
  return found
}

/** An order with the commit of the account's repo. */
export function submissionOf(
  { suite }: Pick<World, 'suite'>,
  account: string,
  record: Uint8Array,
  keys: Pick<AccountKeys, 'atproto'> & { readonly signer: TokenSigner },
): Submission {
  const car = keys.signer.sign(suite.crypto.sha256(record))
  return { account, record, car }
}
