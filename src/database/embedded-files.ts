import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The folder of a cluster carries the major version: another one cannot read its files. */
export const CLUSTER = 'pg18'

/** Where the embedded database keeps what, below the node's data folder. */
export type EmbeddedFiles = ReturnType<typeof embeddedFiles>

/** The names below `dataDir`. All but `inPlace` stay there when the data must live elsewhere. */
export function embeddedFiles(dataDir: string) {
  const at = (name: string) => join(resolve(dataDir), name)
  return {
    inPlace: at('postgres'),
    placeRecord: at('postgres-place.json'),
    password: at('postgres-password'),
    newPassword: at('postgres-password.new'),
    port: at('postgres-port'),
    log: at('postgres.log'),
    oldLog: at('postgres.log.old'),
    startLock: at('postgres-start.lock'),
    usersLock: at('postgres-users.lock'),
  }
}

/** Whether an embedded database was ever made for this data folder. */
export function hasEmbedded(dataDir: string): boolean {
  const files = embeddedFiles(dataDir)
  return [files.inPlace, files.placeRecord, files.password].some((file) => existsSync(file))
}
