import type { Outbound, OutboundInit } from '../../outbound/fetch.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { limitedPieces, readLimitedJson } from '../../outbound/read-limited.ts'
import {
  type Fields,
  credentialAnswer,
  fieldsOf,
  opsPage,
  registrationEnd,
  repoPage,
} from './read-answers.ts'
import type { Answer, Asked, Refused, SpaceApi } from './space-api.ts'
import { nsid } from '../wire.ts'

/** Bytes and milliseconds that a host's answer may take. */
export type SpaceApiLimits = {
  repoBytes: number
  repoMs: number
  jsonBytes: number
  jsonMs: number
}

const LIMITS: SpaceApiLimits = {
  repoBytes: 512_000_000,
  repoMs: 600_000,
  jsonBytes: 8_000_000,
  jsonMs: 20_000,
}
const REPOS = 500
const OPS = 500
const ERROR_BYTES = 10_000
const NAME_MAX = 128
const TRY_LATER = new Set([408, 425, 429])

type Question = { method: string; query?: Query; body?: object; timeoutMs: number }
type Query = Record<string, string | number | undefined>

/** Asks hosts over XRPC (`com.atproto.space.*`). `outbound` keeps requests, which others cause,
 *  away from this machine and its network; answers are read within limits. */
export function createSpaceApi(options: {
  outbound: Outbound
  limits?: Partial<SpaceApiLimits>
}): SpaceApi {
  const { outbound } = options
  const { jsonBytes, jsonMs, repoBytes, repoMs } = { ...LIMITS, ...options.limits }

  async function ask<T>(
    asked: Asked,
    question: Omit<Question, 'timeoutMs'>,
    read: (answer: Fields) => T,
  ): Promise<Answer<T>> {
    const response = await send(outbound, asked, { ...question, timeoutMs: jsonMs })
    if (!response.ok) return refusalOf(asked, response)
    return { ok: true, ...read(fieldsOf(await readLimitedJson(response, jsonBytes))) }
  }

  return {
    credential(asked) {
      const question = { method: nsid.getSpaceCredential, body: { space: asked.space } }
      return ask(asked, question, (answer) => ({ credential: credentialAnswer(answer) }))
    },
    listRepos(asked, cursor) {
      const query = { space: asked.space, limit: REPOS, cursor: cursor ?? undefined }
      return ask(asked, { method: nsid.listRepos, query }, (answer) => repoPage(answer, REPOS))
    },
    registerNotify(asked, service) {
      const question = { method: nsid.registerNotify, body: { space: asked.space, service } }
      return ask(asked, question, (answer) => ({ until: registrationEnd(answer) }))
    },
    repoOps(asked, from) {
      const query = { space: asked.space, ...from, limit: OPS }
      return ask(asked, { method: nsid.listRepoOps, query }, (answer) => opsPage(answer, OPS))
    },
    async repo(asked, repo) {
      const query = { space: asked.space, repo }
      const response = await send(outbound, asked, {
        method: nsid.getRepo,
        query,
        timeoutMs: repoMs,
      })
      if (!response.ok) return refusalOf(asked, response)
      return { ok: true, body: limitedPieces(response, repoBytes) }
    },
  }
}

function send(outbound: Outbound, asked: Asked, question: Question): Promise<Response> {
  const { method, query = {}, body, timeoutMs } = question
  const url = new URL(`/xrpc/${method}`, asked.service)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const init: OutboundInit = { headers: { ...asked.headers }, signal: asked.signal, timeoutMs }
  if (body === undefined) return outbound(url, init)
  const headers = { ...asked.headers, 'content-type': 'application/json' }
  return outbound(url, { ...init, method: 'POST', headers, body: JSON.stringify(body) })
}

/** The error name of an XRPC answer. Throws `Unreachable` for anything else, and for what says that
 *  the host is in trouble and not the question. */
async function refusalOf({ service }: Asked, response: Response): Promise<Refused> {
  const { status } = response
  const name = await nameOf(response)
  if (name === undefined || status >= 500 || TRY_LATER.has(status))
    throw new OutboundError('Unreachable', `${service} answered ${status} ${name ?? ''}`)
  return { ok: false, name }
}

async function nameOf(response: Response): Promise<string | undefined> {
  try {
    const { error } = fieldsOf(await readLimitedJson(response, ERROR_BYTES))
    return typeof error === 'string' && error.length <= NAME_MAX ? error : undefined
  } catch {
    return undefined
  }
}
