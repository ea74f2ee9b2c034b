import type { Admission } from '../store/admission.ts'
import { forbidden } from './answers.ts'
import { audienceUri } from '../audience.ts'
import { type HostedSpace, type HostedSpaces, isAudience } from './hosted-spaces.ts'
import { type Space, spaceOf } from './mount.ts'
import type { OwnCaller } from './own-caller.ts'

/** Lets the caller manage a space that is hosted here: its authority, for an audience also those
 *  who run the community. `NotSpaceOwner` for everybody else, who so do not learn which spaces
 *  there are; `SpaceNotFound` for none. */
export async function requireOwn(
  { admission, spaces }: { admission: Admission; spaces: HostedSpaces },
  caller: OwnCaller,
  space: Space,
): Promise<HostedSpace> {
  if (caller.did !== space.authority && !(await runs({ admission, spaces }, caller.did, space)))
    throw forbidden('NotSpaceOwner')
  await caller.may('manage', space)
  return spaces.require(space)
}

async function runs(
  { admission, spaces }: { admission: Admission; spaces: HostedSpaces },
  did: string,
  space: Space,
): Promise<boolean> {
  if (!isAudience(space)) return false
  const managers = await spaces.find(spaceOf(audienceUri(space.authority, 'managers')))
  return managers !== undefined && (await admission.allowed(managers.space, did, 'read')) === true
}
