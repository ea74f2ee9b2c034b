import { type PDS } from '@atproto/pds'
import { type Log, silentLog } from '../../log.ts'
import { LeasedStore } from './actor-store.ts'
import { keepBlocks } from './blocks.ts'
import { Checkpoints } from './checkpoints.ts'
import { type Flush, flushToDisk } from './group-sync.ts'
import { keepKeys } from './keys.ts'
import { keepLocations } from './locations.ts'
import { Publication } from './publish.ts'
import { writeRootsDirectly } from './roots.ts'
import { type SideDatabases, reopenSideDatabases } from './side-databases.ts'
import { type Switches } from './switches.ts'
import { interruptPolls } from './wake.ts'

const COMMITS_PER_CHECKPOINT = 48
const EVENTS_PER_CHECKPOINT = 200

export type Fastened = {
  /** Syncs, checkpoints and closes what was opened; `pds.destroy()` does it by itself. */
  close(): Promise<void>
}

/**
 * Makes a PDS write sooner without forking it, between `PDS.create` and `pds.start()` and before
 * anything else overrides its actor store. What an answered write promises is not weakened: it
 * survives a power cut, as does its event.
 */
export function fasten(
  pds: PDS,
  switches: Switches,
  options: { log?: Log; flush?: Flush } = {},
): Fastened {
  const { actorStore: store, sequencer, accountManager } = pds.ctx
  if (Object.hasOwn(store, 'transact')) throw new Error('fasten has to come before other overrides')
  const flush = switches.groupSync ? (options.flush ?? flushToDisk) : undefined

  keepLocations(store)
  if (switches.keys) keepKeys(store)
  const checkpoints = switches.checkpoints ? new Checkpoints(options.log ?? silentLog) : undefined
  const committed = (file: string): void => checkpoints?.committed(file, COMMITS_PER_CHECKPOINT)
  const handles = switches.handles
    ? new LeasedStore(store, switches, { flush, committed })
    : undefined
  if (switches.blocks) keepBlocks(store)
  const side = switches.aux ? reopenSideDatabases(pds, connectionsOf(switches)) : undefined
  if (switches.roots && side) writeRootsDirectly(accountManager, side.accounts)
  const polls = switches.wake ? interruptPolls(sequencer) : undefined
  const released = (): void => void setImmediate(() => polls?.wake())
  const events = new Publication({ store, sequencer }, { flush, released })
  if (checkpoints && side) countSideCommits(pds, checkpoints)
  const fastened = closeOnce({ handles, events, checkpoints, side })
  closeWith(pds, fastened)
  return fastened
}

function connectionsOf(switches: Switches): { statements: boolean; checkpointsElsewhere: boolean } {
  return { statements: switches.statements, checkpointsElsewhere: switches.checkpoints }
}

function countSideCommits(pds: PDS, checkpoints: Checkpoints): void {
  const { sequencer, accountManager, cfg } = pds.ctx
  const sequenceEvts = sequencer.sequenceEvts.bind(sequencer)
  sequencer.sequenceEvts = async (events) => {
    const seqs = await sequenceEvts(events)
    checkpoints.committed(sequencer.dbLocation, EVENTS_PER_CHECKPOINT)
    return seqs
  }
  const updateRepoRoot = accountManager.updateRepoRoot.bind(accountManager)
  accountManager.updateRepoRoot = async (did, cid, rev) => {
    await updateRepoRoot(did, cid, rev)
    checkpoints.committed(cfg.db.accountDbLoc, EVENTS_PER_CHECKPOINT)
  }
}

function closeOnce(parts: {
  handles: { close(): Promise<void> } | undefined
  events: { close(): Promise<void> }
  checkpoints: Checkpoints | undefined
  side: SideDatabases | undefined
}): Fastened {
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await parts.handles?.close()
    await parts.events.close()
    await parts.checkpoints?.close()
    parts.side?.close()
  }
  return { close: () => (closed ??= close()) }
}

function closeWith(pds: PDS, fastened: Fastened): void {
  const destroy = pds.destroy.bind(pds)
  pds.destroy = async () => {
    try {
      await destroy()
    } finally {
      await fastened.close()
    }
  }
}
