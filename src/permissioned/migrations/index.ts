import type { Migration } from 'kysely/migration'
import { up as repos } from './0001-repos.ts'

/** Every migration of schema `repo` in order. One that has been released is never edited; a new
 *  one follows it. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-repos': { up: repos },
}
