import type { Migration } from 'kysely/migration'
import { up as repos } from './0001-repos.ts'
import { up as guards } from './0002-guards.ts'

/** Every migration of schema `repo` in order. One that has been released is never edited; a new
 *  one follows it. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-repos': { up: repos },
  '0002-guards': { up: guards },
}
