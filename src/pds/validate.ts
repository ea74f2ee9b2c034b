import { type PDS, type PreparedWrite } from '@atproto/pds'
import { InvalidRequestError } from '@atproto/xrpc-server'

/** Says whether a record may stand under that collection and key; the message names the field. */
export type ValidateRecord = (
  collection: string,
  rkey: string,
  record: unknown,
) => { ok: true } | { ok: false; message: string }

/** Collections of which this node is the authority: it never stores a record it cannot check. */
export const ownPrefix = 'co.kendev.'

type ActorStore = PDS['ctx']['actorStore']
type Transact = ActorStore['transact']
type Transactor = Parameters<Parameters<Transact>[1]>[0]
type Repo = Transactor['repo']

/**
 * Validates every record of `co.kendev.*` on its way into a repo, whatever path it takes and
 * whatever `validate` the client asked for; a refusal is XRPC `InvalidRequest` (400). Other
 * collections stay the package's business. `importRepo` writes blocks, not records, and is not
 * covered. Holds no matter what else replaces `actorStore.transact`, before or after.
 */
export function validateWrites(pds: PDS, validate: ValidateRecord): void {
  const store = pds.ctx.actorStore
  const seen = new WeakSet<Repo>()
  let inner: Transact = store.transact.bind(store)
  const guard = (transact: Transact): Transact => {
    const validating: Transact = (did, work) =>
      transact(did, (transactor) => {
        guardRepo(transactor.repo, validate, seen)
        return work(transactor)
      })
    return validating
  }
  let outer = guard(inner)
  // An accessor, so that a part which assigns its own `transact` later lands below the check.
  Object.defineProperty(store, 'transact', {
    configurable: true,
    enumerable: true,
    get: () => outer,
    set: (replacement: Transact) => {
      inner = replacement
      outer = guard(inner)
    },
  })
}

function guardRepo(repo: Repo, validate: ValidateRecord, seen: WeakSet<Repo>): void {
  // Two guards may stack when another part wraps the guarded function; one check is enough.
  if (seen.has(repo)) return
  seen.add(repo)
  const processWrites = repo.processWrites.bind(repo)
  repo.processWrites = async (writes, swapCommit) => {
    for (const write of writes) checkWrite(write, validate)
    return processWrites(writes, swapCommit)
  }
  const createRepo = repo.createRepo.bind(repo)
  repo.createRepo = async (writes) => {
    for (const write of writes) checkWrite(write, validate)
    return createRepo(writes)
  }
}

function checkWrite(write: PreparedWrite, validate: ValidateRecord): void {
  if (write.action === 'delete' || !write.uri.collection.startsWith(ownPrefix)) return
  const verdict = validate(write.uri.collection, write.uri.rkey, write.record)
  if (!verdict.ok) throw new InvalidRequestError(verdict.message)
  // The package copies this into its answer.
  write.validationStatus = 'valid'
}
