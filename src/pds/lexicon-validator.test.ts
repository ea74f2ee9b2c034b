import { l, parseCid } from '@atproto/lex'
import { expect, test } from 'vitest'
import { lexiconValidator } from './lexicon-validator.ts'

const object = l.object({ text: l.string({ maxLength: 5 }), image: l.optional(l.blob()) })
const validate = lexiconValidator([
  l.record('tid', 'co.kendev.test.timed', object),
  l.record('literal:self', 'co.kendev.test.single', object),
  l.record('any', 'co.kendev.test.named', object),
  l.record('nsid', 'co.kendev.test.schema', object),
])
const messageOf = (name: string, rkey: string, record: object) => {
  const verdict = validate(`co.kendev.test.${name}`, rkey, {
    $type: `co.kendev.test.${name}`,
    ...record,
  })
  return verdict.ok ? 'fine' : verdict.message
}
const good = { text: 'hello' }

test('a record key must be of the kind its lexicon says', () => {
  expect(messageOf('timed', '3lw4qc3hq7c2v', good)).toBe('fine')
  expect(messageOf('timed', 'today', good)).toMatch(
    /^Invalid record key for co\.kendev\.test\.timed/,
  )
  expect(messageOf('single', 'self', good)).toBe('fine')
  expect(messageOf('single', 'other', good)).toMatch(/^Invalid record key/)
  expect(messageOf('named', 'did:plc:abc', good)).toBe('fine')
  expect(messageOf('schema', 'com.example.thing', good)).toBe('fine')
  expect(messageOf('schema', 'thing', good)).toMatch(/^Invalid record key/)
})

test('the field at fault is named by its path', () => {
  expect(messageOf('named', 'a', { text: 'too long' })).toBe(
    'Invalid co.kendev.test.named record: string too big (maximum 5, got 8) at $.text',
  )
  expect(messageOf('named', 'a', {})).toContain('"text"')
})

test('a record is judged as it stands: another type or an unknown one is refused', () => {
  expect(messageOf('named', 'a', { ...good, $type: 'co.kendev.test.timed' })).toContain('$type')
  expect(messageOf('absent', 'a', good)).toBe(
    'This node does not know the record type co.kendev.test.absent',
  )
  expect(validate('co.kendev.test.named', 'a', null).ok).toBe(false)
})

test('a blob with its CID as an object is valid, as the PDS holds it', () => {
  const ref = parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
  const image = { $type: 'blob', ref, mimeType: 'image/png', size: 5 }
  expect(messageOf('named', 'a', { ...good, image })).toBe('fine')
  expect(messageOf('named', 'a', { ...good, image: { ...image, size: -1 } })).toContain('$.image')
})

test('a message about a record with endless faults stays short', () => {
  const many = lexiconValidator([
    l.record('any', 'co.kendev.test.many', l.object({ list: l.array(l.string({ maxLength: 1 })) })),
  ])
  const list = [`${'x'.repeat(5_000)}`]
  const verdict = many('co.kendev.test.many', 'a', { $type: 'co.kendev.test.many', list })
  expect(verdict.ok).toBe(false)
  expect(JSON.stringify(verdict).length).toBeLessThan(1_100)
})
