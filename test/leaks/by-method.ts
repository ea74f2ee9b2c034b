import type { Attempt, Case, Trying } from './attempts.ts'
import { YES } from './expected-access.ts'

/** Nobody writes by hand what a space's own methods write. */
export function byMethod(
  t: Trying,
  { c, stand, value, record, caller }: Case,
): Map<string, Attempt> {
  const expected = caller === 'anonymous' ? 'AuthenticationRequired' : 'Forbidden'
  const at = { space: t.cast[stand.space], collection: c.nsid, audience: stand.audience }
  const write = (name: string, more: object) => () =>
    t
      .send(caller, { nsid: `co.kendev.spaces.${name}`, body: { ...at, ...more } })
      .then(({ error }) => error || YES)
  const { rkey } = record
  return new Map([
    ['create', { expected, told: write('putRecord', { rkey: t.nextTid(), record: value }) }],
    ['update', { expected, told: write('putRecord', { rkey, record: value }) }],
    ['delete', { expected, told: write('deleteRecord', { rkey }) }],
  ])
}
