import { type PDS } from '@atproto/pds'

// The package exports none of these classes, but its context names them.
export type ActorStore = PDS['ctx']['actorStore']
export type ActorDb = Awaited<ReturnType<ActorStore['openDb']>>
export type Did = Parameters<ActorStore['transact']>[0]
export type ActorReader = Parameters<Parameters<ActorStore['read']>[1]>[0]
export type ActorTransactor = Parameters<Parameters<ActorStore['transact']>[1]>[0]
export type ActorWriter = Parameters<Parameters<ActorStore['writeNoTransaction']>[1]>[0]
export type Sequencer = PDS['ctx']['sequencer']
export type AccountManager = PDS['ctx']['accountManager']
export type Result<T> = T | PromiseLike<T>
