import { collections } from './appview/collections/index.ts'
import type { Clock } from './clock.ts'
import type { Database } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openKysely } from './database/pool.ts'
import type { SqlPool } from './database/sql.ts'
import { co } from './lexicons/index.ts'
import type { NodePds } from './open-pds.ts'
import { lexiconValidator } from './pds/lexicon-validator.ts'
import { ownPrefix } from './pds/validate.ts'
import { TENANT_SPACE } from './permissioned/audience.ts'
import { TENANT_MEMBERSHIP, seatGuard } from './tenant-seats.ts'
import { type Admission, admissionGuard, createAdmission } from './permissioned/store/admission.ts'
import { type SpaceGrants, createSpaceGrants } from './permissioned/store/grants.ts'
import { migrations } from './permissioned/migrations/index.ts'
import { type SpaceStore, createSpaceStore } from './permissioned/store/store.ts'

/** What the node keeps of permissioned repos, before anything of it is served. */
export type SpaceKeeping = {
  readonly pool: SqlPool
  readonly store: SpaceStore
  readonly admission: Admission
  readonly grants: SpaceGrants
  readonly isKnown: (collection: string) => boolean
}

/** Brings schema `repo` forward and opens the store of permissioned repos. */
export async function keepSpaces(options: {
  database: Database
  pds: NodePds
  clock: Clock
  nextTid: () => string
}): Promise<SpaceKeeping> {
  const { database, pds, clock, nextTid } = options
  const pool = database.pool as unknown as SqlPool
  await migrate({ db: openKysely(database.pool), schema: 'repo', migrations })
  const known = new Set<string>(collections.map((c) => c.schema.$type))
  const isKnown = (collection: string) => known.has(collection)
  const validate = lexiconValidator(collections.map((c) => c.schema))
  const store = createSpaceStore({
    pool,
    clock,
    nextTid,
    // Of the types of others nothing is known here, and anything may be kept.
    validate: (collection, rkey, record) =>
      isKnown(collection) || collection.startsWith(ownPrefix)
        ? validate(collection, rkey, record)
        : { ok: true },
    bytes: pds.privateBlobs,
    guards: [
      admissionGuard({ membershipType: co.kendev.spaces.membership.$type, clock }),
      // Before the one that admits: it looks at how things were.
      seatGuard,
      admissionGuard({ membershipType: TENANT_MEMBERSHIP, spaceType: TENANT_SPACE, clock }),
    ],
  })
  const grants = createSpaceGrants(pool, clock)
  return { pool, store, admission: createAdmission({ pool }), grants, isKnown }
}
