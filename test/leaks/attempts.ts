import type { Collection } from '../../src/appview/define.ts'
import type { Cast } from './cast.ts'
import {
  AUTHORS,
  type Caller,
  type Stand,
  YES,
  onChanging,
  onDoing,
  onGet,
  onJoining,
  onLeaving,
  onManaging,
  onPosting,
  onReactingBlindly,
  onTakingBack,
  reads,
} from './expected-access.ts'
import { allMethods } from './methods.ts'
import { byMethod } from './by-method.ts'
import { BY_JOINING, BY_METHOD, type Kept, placeOf } from './write-everything.ts'

/** Something that somebody tries, and what they are to be told. */
export type Attempt = { readonly expected: string; readonly told: () => Promise<string> }

/** What attempts are made with. */
export type Trying = {
  readonly cast: Cast
  readonly nextTid: () => string
  /** A request of one of the callers; answers the error's name, or the body. */
  readonly send: (caller: Caller, request: Request) => Promise<Answer>
  /** Makes one more record there, to be deleted. */
  readonly spare: () => Promise<Kept>
  /** The channel that stands there. */
  readonly channelOf: (stand: Stand) => Kept
  /** Brings back a member that has been removed. */
  readonly comeBack: (stand: Stand) => Promise<void>
}

export type Request = { nsid: string; params?: Record<string, unknown>; body?: object }
export type Answer = { error: string; body: Record<string, unknown> }

/** A collection's record, where it stands, and who calls. */
export type Case = {
  readonly c: Collection
  readonly stand: Stand
  readonly record: Kept
  /** What it holds, as it was written. */
  readonly value: Record<string, unknown>
  readonly caller: Caller
}

const methods = new Map(allMethods().map((method) => [method.nsid, method]))
const MANY = 100

const parts = ({ nsid }: Collection) => {
  const area = nsid.split('.').slice(0, -1).join('.')
  const name = nsid.split('.').at(-1)!
  return { area, name: name[0]!.toUpperCase() + name.slice(1) }
}

/** The method that answers one record. */
export function getOf(c: Collection): string {
  const { area, name } = parts(c)
  return `${area}.get${name}`
}

/** The methods that answer many of a kind. */
export function listsOf(c: Collection): string[] {
  const { area, name } = parts(c)
  const many = [name, `${name}s`, name.replace(/y$/, 'ies')]
  const names = ['list', 'search'].flatMap((verb) => many.map((n) => `${area}.${verb}${n}`))
  return [...new Set(names)].filter((nsid) => methods.has(nsid))
}

/** The parameters with which a method is asked about a record. */
function paramsFor(nsid: string, { cast, record, stand }: Case & Pick<Trying, 'cast'>) {
  const { required = [], properties = {} } = methods.get(nsid)!.fields
  const uri = `at://${record.author}/${record.collection}/${record.rkey}`
  const space = cast[stand.space]
  const member = cast.people.member.did
  const { author } = record
  const known: Record<string, string> = {
    uri,
    space,
    member,
    actor: author,
    node: author,
    subject: uri,
  }
  const names = [...required, ...['owner', 'node'].filter((name) => name in properties)]
  const about = { ...known, owner: record.author }
  return Object.fromEntries(
    names.flatMap((name) => (name in about ? [[name, about[name as keyof typeof about]]] : [])),
  )
}

/** Who may read it: by its address, in lists, and by its words. */
export function readings(t: Trying, it: Case): Map<string, Attempt> {
  const { c, caller, stand, record, value } = it
  const attempts = new Map<string, Attempt>()
  const get = getOf(c)
  if (methods.has(get))
    attempts.set('get', {
      expected: onGet(caller, stand),
      told: async () => {
        const params = paramsFor(get, { ...it, cast: t.cast })
        return (await t.send(caller, { nsid: get, params })).error || YES
      },
    })
  const shown = reads(caller, stand) ? 'shown' : 'not shown'
  const words = Object.values(value).find((v) => typeof v === 'string' && v.startsWith('zq'))
  for (const nsid of listsOf(c)) {
    const { properties = {}, required = [] } = methods.get(nsid)!.fields
    const base = { ...paramsFor(nsid, { ...it, cast: t.cast }), ...subjectOf(value, properties) }
    const mine = properties['filter'] && stand.space === 'club' && caller !== 'anonymous'
    const params = { ...base, limit: MANY, ...(mine && { filter: 'mine' }) }
    const ask = (more: object): Attempt => ({
      expected: shown,
      told: async () => {
        const { error, body } = await t.send(caller, { nsid, params: { ...params, ...more } })
        const items = (body['items'] ?? []) as { uri: string }[]
        const known = `${record.author}/${record.collection}/${record.rkey}`
        return error || (items.some(({ uri }) => uri.endsWith(known)) ? 'shown' : 'not shown')
      },
    })
    if (!required.includes('q')) attempts.set(nsid, ask({}))
    if (properties['q'] && words) attempts.set(`${nsid} by words`, ask({ q: words }))
  }
  return attempts
}

/** What a list of what is about something asks for. */
function subjectOf(value: Record<string, unknown>, properties: object) {
  const uriOf = (name: string) => (value[name] as { uri?: string } | undefined)?.uri
  const names = ['subject', 'feature'].filter((name) => name in properties && uriOf(name))
  return Object.fromEntries(names.map((name) => [name, uriOf(name)]))
}

/** Who may write, change and delete it. */
export function writings(t: Trying, it: Case): Map<string, Attempt> {
  const { c } = it
  if (c.nsid === BY_JOINING[0]) return memberships(t, it)
  if (c.nsid === BY_JOINING[1]) return requests(t, it)
  if (BY_METHOD.includes(c.nsid)) return byMethod(t, it)
  if (c.access.manage) return managed(t, it, c.access.manage)
  return c.access.own ? posted(t, it) : own(t, it)
}

const told = async (answer: Promise<Answer>) => (await answer).error || YES

function managed(t: Trying, it: Case, permission: string): Map<string, Attempt> {
  const { c, stand, record, value, caller } = it
  const space = t.cast[stand.space]
  const audience = stand.audience === 'public' ? {} : { audience: stand.audience }
  const expected = onManaging(caller, permission, stand)
  const put = (rkey: string) =>
    told(
      t.send(caller, {
        nsid: 'co.kendev.spaces.putRecord',
        body: { space, collection: c.nsid, rkey, record: value, ...audience },
      }),
    )
  const isSpace = c.nsid.endsWith('.space')
  const isAboutSomebody = record.rkey.startsWith('did:')
  // What has a key of its own there is one of: putting it again is all there is to creating it.
  const keyed = isAboutSomebody || c.examples.good.every(({ rkey }) => rkey !== undefined)
  return new Map<string, Attempt>([
    ['create', { expected, told: () => put(keyed ? record.rkey : t.nextTid()) }],
    ['update', { expected, told: () => put(record.rkey) }],
    [
      'delete',
      {
        expected: isSpace && expected === YES ? 'Forbidden' : expected,
        told: async () => {
          const isSpare = expected === YES && (isAboutSomebody || !keyed)
          const { rkey } = isSpare ? await t.spare() : record
          const body = { space, collection: c.nsid, rkey, ...audience }
          return told(t.send(caller, { nsid: 'co.kendev.spaces.deleteRecord', body }))
        },
      },
    ],
  ])
}

/** Messages and reactions; a collection like them without methods yet is written like any other. */
function posted(t: Trying, it: Case): Map<string, Attempt> {
  const { c, stand, record, value, caller } = it
  const author = AUTHORS[stand.audience]
  const { area, name } = parts(c)
  const [make, take] = [
    ['send', 'delete'],
    ['add', 'remove'],
  ]
    .map((verbs) => verbs.map((verb) => `${area}.${verb}${name}`))
    .find(([first]) => methods.has(first!)) ?? ['', '']
  if (!make || !take) return own(t, it)
  const known = methods.get(make)!.fields.properties ?? {}
  const fields = Object.entries(value).filter(([field]) => field in known)
  const space = t.cast[stand.space]
  const uri = (kept: Kept) =>
    `${kept.place || 'at:/'}/${kept.author}/${kept.collection}/${kept.rkey}`
  const channel = 'channel' in known ? { channel: uri(t.channelOf(stand)) } : {}
  const body = { ...Object.fromEntries(fields), space, ...channel }
  const subject = value['subject'] as { uri: string; cid: string } | undefined
  const there = subject && { ...subject, uri: `${record.place || 'at:/'}/${subject.uri.slice(5)}` }
  const create = (more: object) => () =>
    told(t.send(caller, { nsid: make, body: { ...body, ...more } }))
  const blind: [string, Attempt][] = subject
    ? [['react blindly', { expected: onReactingBlindly(caller, stand), told: create({ subject }) }]]
    : []
  return new Map<string, Attempt>([
    ...own(t, it),
    [
      'create',
      { expected: onPosting(caller, stand), told: create(there ? { subject: there } : {}) },
    ],
    ...blind,
    [
      'delete',
      {
        expected: onTakingBack(caller, author),
        told: async () => {
          const kept = caller === author ? await t.spare() : record
          return told(t.send(caller, { nsid: take, body: { uri: uri(kept) } }))
        },
      },
    ],
  ])
}

/** What everybody changes in their own repo only. */
function own(t: Trying, it: Case): Map<string, Attempt> {
  const { c, stand, record, value, caller } = it
  const author = Object.keys(t.cast.people).find(
    (part) => t.cast.people[part as keyof Cast['people']].did === record.author,
  ) as Caller
  const expected = onChanging(caller, author, stand)
  const [prefix, where] =
    record.place === ''
      ? ['com.atproto.repo', {}]
      : ['com.atproto.space', { space: placeOf(t.cast, stand) }]
  const repo = { ...where, repo: record.author, collection: c.nsid }
  const write = (name: string, body: object) =>
    told(t.send(caller, { nsid: `${prefix}.${name}`, body: { ...repo, ...body } }))
  const put = (rkey: string) => write('putRecord', { rkey, record: { $type: c.nsid, ...value } })
  const { rkey } = record
  const create = () => put(rkey === 'self' ? rkey : t.nextTid())
  const remove = async () => {
    const kept = caller === author ? await t.spare() : record
    return write('deleteRecord', { rkey: kept.rkey })
  }
  return new Map([
    ['create', { expected, told: create }],
    ['update', { expected, told: () => put(rkey) }],
    ['delete', { expected, told: remove }],
  ])
}

/** Admitting is for joining; who manages members changes and removes those below them. */
function memberships(t: Trying, { c, stand, value, record, caller }: Case): Map<string, Attempt> {
  const space = t.cast[stand.space]
  const member = t.cast.people.member.did
  const expected = onDoing(caller, 'manage_members', stand)
  const body = { space, collection: c.nsid, rkey: record.rkey, record: value }
  const create = {
    expected: caller === 'anonymous' ? 'AuthenticationRequired' : 'Forbidden',
    told: () => told(t.send(caller, { nsid: 'co.kendev.spaces.putRecord', body })),
  }
  const change = (nsid: string, more: object, after?: () => Promise<void>): Attempt => ({
    expected,
    told: async () => {
      const answer = await told(t.send(caller, { nsid, body: { space, member, ...more } }))
      if (answer === YES) await after?.()
      return answer
    },
  })
  return new Map([
    ['create', create],
    ['update', change('co.kendev.spaces.updateMember', { role: 'member' })],
    ['delete', change('co.kendev.spaces.removeMember', {}, () => t.comeBack(stand))],
  ])
}

/** Joining and leaving; leaving is tried last of all, as it takes the cast apart. */
function requests(t: Trying, it: Case): Map<string, Attempt> {
  const { stand, caller } = it
  const space = t.cast[stand.space]
  const call = (nsid: string) => told(t.send(caller, { nsid, body: { space } }))
  const create = { expected: onJoining(caller, stand), told: () => call('co.kendev.spaces.join') }
  const leave = { expected: onLeaving(caller, stand), told: () => call('co.kendev.spaces.leave') }
  const update = own(t, it).get('update')!
  return new Map([
    ['create', create],
    ['update', update],
    ['delete', leave],
  ])
}
