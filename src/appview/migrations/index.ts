import type { Migration } from 'kysely/migration'
import { up as first } from './0001-first.ts'
import { up as repoState } from './0002-repo-state.ts'
import { up as spaces } from './0003-spaces.ts'
import { up as handedOut } from './0004-handed-out.ts'
import { up as tenancy } from './0005-tenancy.ts'
import { up as people } from './0009-people.ts'
import { up as members } from './0011-members.ts'
import { up as messages } from './0012-messages.ts'
import { up as domains } from './0013-domains.ts'
import { up as roadmap } from './0014-roadmap.ts'
import { up as payments } from './0016-payments.ts'
import { up as orderPayments } from './0018-order-payments.ts'
import { up as tokens } from './0019-tokens.ts'
import { up as tokenExchanges } from './0020-token-exchanges.ts'
import { up as tokenRefusals } from './0021-token-refusals.ts'

/** Every migration in order. One that has been released is never edited; a new one follows it. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': { up: first },
  '0002-repo-state': { up: repoState },
  '0003-spaces': { up: spaces },
  '0004-handed-out': { up: handedOut },
  '0005-tenancy': { up: tenancy },
  '0009-people': { up: people },
  '0011-members': { up: members },
  '0012-messages': { up: messages },
  '0013-domains': { up: domains },
  '0014-roadmap': { up: roadmap },
  '0016-payments': { up: payments },
  '0018-order-payments': { up: orderPayments },
  '0019-tokens': { up: tokens },
  '0020-token-exchanges': { up: tokenExchanges },
  '0021-token-refusals': { up: tokenRefusals },
}
