import type { Refusal } from './refusal.ts'
import type { ListedRepo } from './store.ts'

/** A page of something; without a cursor it is the last. */
export type Page<T> = { readonly items: readonly T[]; readonly cursor?: string }

/** What is asked of hosts over XRPC (`com.atproto.sync.*`). `service` is a host's origin. Every
 *  call is limited in time and size; `OutboundError` is thrown when the host does not answer or
 *  answers nonsense, so that it is asked again later. */
export type HostApi = {
  /** The repo as a CAR in pieces, or why the host does not serve it (`RepoNotFound`,
   *  `RepoDeactivated`, `RepoTakendown`, …). */
  repo(
    service: string,
    did: string,
  ): Promise<{ ok: true; body: AsyncIterable<Uint8Array> } | Refusal>
  /** Undefined when the host says it has no such repo. */
  repoStatus(
    service: string,
    did: string,
  ): Promise<{ active: boolean; status?: string; rev?: string } | undefined>
  listRepos(service: string, cursor: string | undefined): Promise<Page<ListedRepo>>
  listReposByCollection(
    service: string,
    collection: string,
    cursor: string | undefined,
  ): Promise<Page<string>>
  listHosts(service: string, cursor: string | undefined): Promise<Page<string>>
}
