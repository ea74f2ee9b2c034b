import { Secp256k1Keypair } from '@atproto/crypto'
import * as plc from '@did-plc/lib'
import { type CommitDataWithOps, type PDS } from '@atproto/pds'
import { type DidString, type HandleString } from '@atproto/syntax'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Log } from '../log.ts'
import { hostedHandle } from './handle.ts'

/** What an account made by the node is made of. */
export type HostedAccountOptions = {
  pds: PDS
  log: Log
  handle: string
  handleDomains: readonly string[]
  /** A did:key that goes before the node's own rotation key: its owner can always leave. */
  recoveryKey?: string
  /** Lets the node take a reserved name for itself. */
  reserved?: boolean
}

export type HostedAccount = { did: DidString; handle: HandleString }

/** A step taken, undone if a later one fails. */
type Undo = { step: string; undo: () => Promise<unknown> }

const EVERYONE = { includeDeactivated: true, includeTakenDown: true } as const

/**
 * Makes an account without e-mail and password, for a space, a tenant or the node: nobody can log
 * in to it, the node writes for it. Throws XRPC `InvalidHandle` or `HandleNotAvailable`. A failure
 * undoes every step taken; a crash leaves at most a repo folder and an identity that nobody points
 * to, and the handle free, since the handle is claimed by the account row alone.
 */
export async function createHostedAccount(options: HostedAccountOptions): Promise<HostedAccount> {
  const { pds, log } = options
  const handle = await hostedHandle(options)
  if (await pds.ctx.accountManager.getAccount(handle, EVERYONE)) throw taken(handle)
  const done: Undo[] = []
  try {
    return { did: await makeAccount(options, handle, done), handle }
  } catch (error) {
    for (const { step, undo } of done.toReversed()) {
      await undo().catch((failure: unknown) => {
        log.error({ err: failure, step, handle }, 'a failed account was not cleaned up')
      })
    }
    throw isTaken(error) ? taken(handle) : error
  }
}

/**
 * The hosted account with that handle, made if there is none: safe to call at every start, and by
 * two processes at once. Announces an account whose making was cut off before its events. Throws
 * `HandleNotAvailable` if the handle belongs to a person.
 */
export async function ensureHostedAccount(options: HostedAccountOptions): Promise<HostedAccount> {
  const handle = await hostedHandle(options)
  const known = await hostedAccount(options.pds, handle)
  if (known) return known
  try {
    return await createHostedAccount(options)
  } catch (error) {
    const made = await hostedAccount(options.pds, handle)
    if (made) return made
    throw error
  }
}

async function makeAccount(
  options: HostedAccountOptions,
  handle: HandleString,
  done: Undo[],
): Promise<DidString> {
  const { actorStore, accountManager, plcClient, plcRotationKey, sequencer, cfg } = options.pds.ctx
  const signingKey = await Secp256k1Keypair.create({ exportable: true })
  const { did: name, op } = await plc.createOp({
    signingKey: signingKey.did(),
    rotationKeys: [...(options.recoveryKey ? [options.recoveryKey] : []), plcRotationKey.did()],
    handle,
    pds: cfg.service.publicUrl,
    signer: plcRotationKey,
  })
  const did = name as DidString
  // Each undo is noted before its step: a step that fails half way needs it as well.
  done.push({ step: 'repo', undo: () => actorStore.destroy(did) })
  await actorStore.create(did, signingKey)
  const commit: CommitDataWithOps = await actorStore.transact(did, (actor) =>
    actor.repo.createRepo([]),
  )
  done.push({ step: 'identity', undo: () => tombstone(options.pds, did) })
  await plcClient.sendOperation(did, op)
  done.push({ step: 'account', undo: () => accountManager.deleteAccount(did) })
  await accountManager.createAccount({ did, handle, repoCid: commit.cid, repoRev: commit.rev })
  await sequencer.sequenceAccountCreation(did, handle, commit)
  return did
}

async function hostedAccount(pds: PDS, handle: HandleString): Promise<HostedAccount | undefined> {
  const account = await pds.ctx.accountManager.getAccount(handle, EVERYONE)
  if (!account) return undefined
  if (account.email !== null) throw taken(handle)
  await announce(pds, account.did, handle)
  return { did: account.did, handle }
}

/** The crash between the account row and its events: followers would never hear of it. */
async function announce(pds: PDS, did: DidString, handle: HandleString): Promise<void> {
  const { sequencer, actorStore, accountManager } = pds.ctx
  const event = await sequencer.db.db
    .selectFrom('repo_seq')
    .select('seq')
    .where('did', '=', did)
    .limit(1)
    .executeTakeFirst()
  if (event) return
  const data = await actorStore.read(did, (store) => store.repo.getSyncEventData())
  const { status } = await accountManager.getAccountStatus(did)
  await sequencer.sequenceAccountActivation(did, handle, status, data)
}

/** An operation whose answer was lost may have arrived; one that did not has nothing to undo. */
async function tombstone(pds: PDS, did: DidString): Promise<void> {
  try {
    await pds.ctx.plcClient.tombstone(did, pds.ctx.plcRotationKey)
  } catch (error) {
    if (!(error instanceof plc.PlcClientError && error.status === 404)) throw error
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && error.name === 'UserAlreadyExistsError'
}

function taken(handle: string): InvalidRequestError {
  return new InvalidRequestError(`Handle already taken: ${handle}`, 'HandleNotAvailable')
}
