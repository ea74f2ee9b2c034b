import { type Committee, committeeOf } from '../../src/tokens/epoch.ts'
import type { SealedSet } from '../../src/tokens/handover.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { checkSealed, readSeal } from '../../src/tokens/seal.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'
import type { SealBundle } from './governance.ts'
import { type World, headOf } from './world.ts'

/** A seal's set with the transfers that its certificates show; undefined when it is not a member's,
 *  not what it stands for, or has a transfer without a good certificate. */
export function openSeal(
  world: World,
  bundle: SealBundle,
  committee: Committee,
): { readonly set: SealedSet; readonly reads: ReadonlyMap<string, ReadTransfer> } | undefined {
  const { crypto } = world.suite
  const found = readSeal(crypto, bundle.bytes, committee)
  if (isRefusal(found)) return undefined
  const { transfers } = bundle
  const { seal, cid } = found
  if (checkSealed(crypto, seal, transfers)) return undefined
  if (bundle.isFalse) world.oracle.breach('a seal is taken for what it does not stand for')
  const reads = new Map<string, ReadTransfer>()
  for (const one of bundle.certified) if (world.isGood(one)) reads.set(one.read.id, one.read)
  if (transfers.some(({ transfer }) => !reads.has(transfer))) return undefined
  return { set: { seal, cid, transfers }, reads }
}

/** Whether a seal of the newest epoch can be built upon. */
export function isSound(world: World, bundle: SealBundle): boolean {
  return openSeal(world, bundle, committeeOf(headOf(world).read)) !== undefined
}
