import type { Admission } from './access.ts'
import { forbidden } from './answers.ts'
import { isAudience } from './hosted-spaces.ts'
import type { Space } from './mount.ts'
import type { OwnCaller } from './own-caller.ts'
import { spaceUri } from './space-ref.ts'

/** The audience of those who run a community, who act for its account. */
const MANAGERS = 'managers'

/** Lets the caller manage a space: its authority, for an audience also those who run the
 *  community. `NotSpaceOwner` for everybody else. */
export async function mustOwn(
  admission: Admission,
  caller: OwnCaller,
  space: Space,
): Promise<void> {
  if (caller.did !== space.authority && !(await runs(admission, caller.did, space)))
    throw forbidden('NotSpaceOwner')
  await caller.may('manage', space)
}

async function runs(admission: Admission, did: string, space: Space): Promise<boolean> {
  if (!isAudience(space)) return false
  return admission.allowed(spaceUri({ ...space, skey: MANAGERS }), did, 'read')
}
