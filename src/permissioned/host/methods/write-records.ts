import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { audienceOf } from '../../audience.ts'
import { forbidden, refused } from '../answers.ts'
import type { GrantAction } from '../../store/grants.ts'
import type { HostedSpaces } from '../hosted-spaces.ts'
import { type Exchange, type Space, route, spaceOf } from '../mount.ts'
import type { OwnCaller } from '../own-caller.ts'
import type { Accounts } from '../../ports.ts'
import type { Admission } from '../../store/admission.ts'
import type { SpaceWrite } from '../../store/prepare-write.ts'
import { recordOf } from '../../format/record-json.ts'
import type { SpaceStore } from '../../store/store.ts'
import { nsid } from '../../wire.ts'

type Deps = {
  own: (exchange: Exchange) => Promise<OwnCaller>
  spaces: HostedSpaces
  store: Pick<SpaceStore, 'applyWrites'>
  accounts: Pick<Accounts, 'status'>
  admission: Pick<Admission, 'allowed'>
  nextTid: () => string
  /** Whether there is a schema that records of a collection are held to. */
  isKnown: (collection: string) => boolean
}

type Written = { uri: string; cid: string | null }
type Input = Record<string, unknown>

/** `createRecord`, `putRecord`, `deleteRecord` and `applyWrites`: an account of this node writes
 *  into its own repo of any space. Whether that counts there is for the space to say; of the
 *  audience of a community of this node that is known beforehand. */
export function writeRecords(server: Server, deps: Deps): void {
  const { own: caller } = deps
  route(server, nsid.createRecord, {
    caller,
    answer: async ({ input, caller: own }) => {
      const rkey = (input['rkey'] as string | undefined) ?? deps.nextTid()
      const write = { action: 'create' as const, ...recordAt({ ...input, rkey }) }
      return resultOf(deps, write, (await apply(deps, own, { input, writes: [write] }))[0]!)
    },
  })
  route(server, nsid.putRecord, {
    caller,
    answer: async ({ input, caller: own }) => {
      const write = { action: 'put' as const, ...recordAt(input) }
      return resultOf(deps, write, (await apply(deps, own, { input, writes: [write] }))[0]!)
    },
  })
  route(server, nsid.deleteRecord, {
    caller,
    answer: async ({ input, caller: own }) => {
      const write = { action: 'delete' as const, ...pathOf(input) }
      await apply(deps, own, { input, writes: [write] }).catch((error: unknown) => {
        if (!isNothingThere(error)) throw error
      })
      return {}
    },
  })
  route(server, nsid.applyWrites, {
    caller,
    answer: async ({ input, caller: own }) => {
      const writes = (input['writes'] as Input[]).map((each) => writeOf(each, deps.nextTid))
      const done = await apply(deps, own, { input, writes })
      const results = done.map((result, n) => {
        const write = writes[n]!
        const shown = write.action === 'delete' ? {} : resultOf(deps, write, result)
        return { $type: `${nsid.applyWrites}#${write.action}Result`, ...shown }
      })
      return { results }
    },
  })
}

async function apply(
  deps: Deps,
  own: OwnCaller,
  { input, writes }: { input: Input; writes: SpaceWrite[] },
): Promise<Written[]> {
  const { spaces, store, isKnown } = deps
  const space = spaceOf(input['space'])
  if (input['repo'] !== own.did) throw refused('RepoNotFound')
  for (const action of actionsOf(writes)) await own.may(action, space)
  const hosted = await spaces.find(space)
  if (hosted && hosted.deletedAt !== null) throw refused('SpaceNotFound')
  if (writes.some(({ action }) => action !== 'delete')) await requireWriter(deps, own.did, space)
  if (input['validate'] === true) requireKnown(writes, isKnown)
  return (await store.applyWrites({ space: space.uri, did: own.did, writes })).results
}

/** What somebody writes for an audience of this node that they do not write for, nobody would ever
 *  see. That it is refused does not hang on whether there is such an audience. Elsewhere the
 *  protocol leaves it to readers what to make of a writer. */
async function requireWriter(
  { accounts, admission }: Deps,
  did: string,
  space: Space,
): Promise<void> {
  if (!audienceOf(space) || did === space.authority) return
  if ((await accounts.status(space.authority)) === undefined) return
  if ((await admission.allowed(space.uri, did, 'write')) !== true)
    throw forbidden('UserNotAuthorized')
}

function actionsOf(writes: readonly SpaceWrite[]): Set<GrantAction> {
  // A put may do either, and which one it does is known only once it is done.
  return new Set(
    writes.flatMap(({ action }): GrantAction[] =>
      action === 'put' ? ['create', 'update'] : [action],
    ),
  )
}

function requireKnown(writes: readonly SpaceWrite[], isKnown: Deps['isKnown']): void {
  const unknown = writes.find(
    ({ action, collection }) => action !== 'delete' && !isKnown(collection),
  )
  if (unknown)
    throw new InvalidRequestError(
      `This node has no lexicon for ${unknown.collection}; leave validate out.`,
    )
}

function resultOf({ isKnown }: Deps, write: SpaceWrite, { uri, cid }: Written): object {
  return { uri, cid, validationStatus: isKnown(write.collection) ? 'valid' : 'unknown' }
}

function writeOf(each: Input, nextTid: () => string): SpaceWrite {
  const action = String(each['$type']).split('#')[1] as 'create' | 'update' | 'delete'
  if (action === 'delete') return { action, ...pathOf(each) }
  const rkey = (each['rkey'] as string | undefined) ?? nextTid()
  return { action, ...recordAt({ ...each, rkey, record: each['value'] }) }
}

function recordAt(input: Input) {
  const path = pathOf(input)
  // A record without its type is of the collection it is put into, as in a public repo.
  return { ...path, record: { $type: path.collection, ...recordOf(input['record']) } }
}

function pathOf({ collection, rkey }: Input): { collection: string; rkey: string } {
  return { collection: String(collection), rkey: String(rkey) }
}

function isNothingThere(error: unknown): boolean {
  return error instanceof InvalidRequestError && error.customErrorName === 'RecordNotFound'
}
