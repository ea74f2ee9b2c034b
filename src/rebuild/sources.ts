import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { type Refusal, refuse } from '../firehose/refusal.ts'
import {
  type RepoRecord,
  type SignedRepo,
  openSignedRepo,
  readRecords,
} from '../firehose/signed-repo.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { readLimited } from '../outbound/read-limited.ts'
import type { OwnRepos } from './own-repos.ts'

/** A whole repo, verified, and where it came from. */
export type TakenRepo = {
  readonly ok: true
  readonly from: 'own' | 'car' | 'pds'
  readonly rev: string
  readonly data: string
  readonly pds: string
  readonly handle: string | null
  readonly records: readonly RepoRecord[]
}

/** Says why there is no repo; the account may be there all the same. */
export type NoRepo = { readonly ok: false; readonly reason: string; readonly detail: string }

/** Where repos come from. */
export type Sources = {
  /** Accounts that have a CAR in the folder. */
  readonly cars: ReadonlySet<string>
  /** The repo of an account at `rev` or later, verified; never throws for what others do. */
  take(account: { did: string; rev: string | null; own: boolean }): Promise<TakenRepo | NoRepo>
}

type Options = {
  ownRepos: OwnRepos
  /** what the own PDS is called in the views */
  ownPds: string
  resolver: IdentityResolver
  outbound: Outbound
  /** folder of CARs to read and to keep what is fetched in */
  cars: string | undefined
  collections: (nsid: string) => boolean
  clock: Clock
}

const CAR_MAX_BYTES = 1_000_000_000
const TIMEOUT_MS = 10 * 60_000

/** Takes own repos from the PDS's files; others from their CAR, if that is not older than what the
 *  views had, or else from their PDS. */
export async function openSources(options: Options): Promise<Sources> {
  const { cars, collections } = options
  if (cars) await mkdir(cars, { recursive: true })
  const names = cars ? await readdir(cars) : []
  const there = new Set(names.flatMap((name) => didOf(name) ?? []))
  const opened = async ({ did, rev, own }: Parameters<Sources['take']>[0]) => {
    const found = own ? await takeOwn(did, options) : await takeOther(did, rev, options, there)
    if (!('repo' in found)) return found
    const { repo, ...where } = found
    const read = readRecords(repo, collections)
    if (!read.ok) return read
    const taken = { rev: repo.rev, data: repo.data.$link, records: read.records }
    return { ok: true, ...where, ...taken } as const
  }
  return {
    cars: there,
    take: (account) =>
      opened(account).catch((error: unknown) => {
        if (error instanceof OutboundError || error instanceof IdentityUnavailable)
          return { ok: false, reason: 'Unreachable', detail: error.message }
        throw error
      }),
  }
}

type Found = Pick<TakenRepo, 'from' | 'pds' | 'handle'> & { repo: SignedRepo }

async function takeOwn(
  did: string,
  { ownRepos, ownPds, clock }: Options,
): Promise<Found | Refusal> {
  const repo = await ownRepos.read(did, clock.now())
  const handle = ownRepos.accounts.get(did)?.handle ?? null
  return repo.ok ? { repo, from: 'own', pds: ownPds, handle } : repo
}

async function takeOther(
  did: string,
  rev: string | null,
  options: Options,
  there: ReadonlySet<string>,
): Promise<Found | NoRepo> {
  const { resolver, cars, clock } = options
  const identity = await resolver.resolve(did)
  if (!identity) return refuse('NoIdentity', did)
  const { pds } = identity
  const now = clock.now()
  if (cars && there.has(did)) {
    const repo = openSignedRepo({ car: await readFile(fileOf(cars, did)), identity, now })
    const handle = repo.ok ? ((await resolver.verifyHandle(identity)) ?? null) : null
    if (repo.ok && (rev === null || repo.rev >= rev)) return { repo, from: 'car', pds, handle }
  }
  const car = await fetchCar(identity, options)
  if ('ok' in car) return car
  const repo = openSignedRepo({ car, identity, now })
  if (!repo.ok) return repo
  if (cars) await keep(fileOf(cars, did), car)
  return { repo, from: 'pds', pds, handle: (await resolver.verifyHandle(identity)) ?? null }
}

async function fetchCar(
  { did, pds }: Identity,
  { outbound }: Options,
): Promise<Uint8Array | NoRepo> {
  const query = String(new URLSearchParams({ did }))
  const url = `${pds}/xrpc/com.atproto.sync.getRepo?${query}`
  const response = await outbound(url, { timeoutMs: TIMEOUT_MS })
  if (response.ok) return readLimited(response, CAR_MAX_BYTES)
  await response.body?.cancel()
  return { ok: false, reason: 'Unreachable', detail: `${pds} answered ${response.status}` }
}

/** The whole file or none, whenever the process ends. */
async function keep(file: string, car: Uint8Array): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, car)
  await rename(draft, file)
}

/** The file of an account's CAR: its DID with lines for colons, which not all systems take. */
export function fileOf(folder: string, did: string): string {
  const name = did.replaceAll(':', '_')
  // A name too long for a file is told by its hash, and never found again by itself.
  const short = name.length > 200 ? createHash('sha256').update(did).digest('hex') : name
  return join(folder, `${short}.car`)
}

function didOf(name: string): string | undefined {
  const [, did] = /^(did[:_](?:plc|web)[:_][^/]+)\.car$/u.exec(name) ?? []
  return did?.replaceAll('_', ':')
}
