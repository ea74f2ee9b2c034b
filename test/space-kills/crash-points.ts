import type { Sql, SqlPool } from '../../src/database/sql.ts'
import type { Outbound } from '../../src/outbound/fetch.ts'

/** Where a process ends: the nth time that a step is about to be done, or has just been done. */
export type Crash = {
  readonly point: string
  readonly side: 'before' | 'after'
  readonly nth: number
}

/** Steps by name, each told by a part of its statement or of the address that is asked. */
const STEPS: Readonly<Record<string, string>> = {
  write: 'select repo.write(',
  'guard of a membership': 'insert into repo.admission',
  'change claimed by the tail': 'select rev from repo.change',
  'records kept': 'insert into appview."spaceRecord"',
  'rows shown': 'insert into appview."message"',
  'state of the views moved': 'insert into appview."spaceRepo"',
  'change brought': 'delete from repo.change',
  'outbox claimed': 'update repo.outbox t set attempts',
  'authority told': '/xrpc/com.atproto.space.notifyWrite',
  'outbox done': 'delete from repo.outbox',
  'writer noted': 'insert into repo.writer',
  'space revision moved': 'update repo.space set "spaceRev"',
  'writer placed': 'update repo.writer w set "spaceRev"',
  'forward put down': 'insert into repo.forward',
  'forward claimed': 'update repo.forward t set attempts',
  'forward done': 'delete from repo.forward',
  'credential asked for': '/xrpc/com.atproto.space.getSpaceCredential',
  'credential kept': 'insert into repo.credential',
  'registration asked for': '/xrpc/com.atproto.space.registerNotify',
  'list asked for': '/xrpc/com.atproto.space.listRepos',
  'repo made due': 'insert into repo."followRepo"',
  'checkpoint moved': 'update repo.follow set checkpoint',
  'log asked for': '/xrpc/com.atproto.space.listRepoOps',
  'repo asked for': '/xrpc/com.atproto.space.getRepo',
  'whole repo begun': 'update repo."followRepo" set whole = true',
  'repo fetched': 'delete from repo."followRepo"',
  'any commit': 'commit',
}

/** The names of all steps. */
export const CRASH_POINTS = Object.keys(STEPS)

/** Ends this process with SIGKILL where it was told to. */
export class Mortality {
  #crash: { crash: Crash; left: number } | undefined

  arm(crash: Crash | undefined): void {
    this.#crash = crash && { crash, left: crash.nth }
  }

  /** The same pool, on which statements are steps. */
  pool(pool: SqlPool): SqlPool {
    return {
      query: this.#query(pool),
      connect: async () => {
        const client = await pool.connect()
        return { query: this.#query(client), release: (error) => client.release(error) }
      },
    }
  }

  /** The same way out, on which questions are steps. */
  outbound(outbound: Outbound): Outbound {
    return (url, init) => this.#step(String(url), () => outbound(url, init))
  }

  #query(sql: Sql): Sql['query'] {
    return (query, values) => {
      const text = typeof query === 'string' ? query : query.text
      return this.#step(text, () => sql.query(query, values))
    }
  }

  async #step<T>(text: string, act: () => Promise<T>): Promise<T> {
    const armed = this.#crash
    if (!armed || !isStep(armed.crash.point, text)) return act()
    armed.left -= 1
    if (armed.left > 0) return act()
    if (armed.crash.side === 'after') await act()
    process.kill(process.pid, 'SIGKILL')
    return new Promise<never>(() => undefined)
  }
}

function isStep(point: string, text: string): boolean {
  const part = STEPS[point]!
  return point === 'any commit' ? text === part : text.includes(part)
}
