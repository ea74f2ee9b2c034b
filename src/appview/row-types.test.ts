import pg from 'pg'
import { expect, test } from 'vitest'
import { ROW_TYPES } from './row-types.ts'

const { TIMESTAMPTZ, JSONB, INT4, BOOL } = pg.types.builtins
const read = (oid: number, value: string) => ROW_TYPES.getTypeParser(oid)(value as never)

test.each([
  ['2026-11-23 10:00:00+00', '2026-11-23T10:00:00.000Z'],
  ['2026-11-23 10:00:00.5+00', '2026-11-23T10:00:00.500Z'],
  ['2026-11-23 10:00:00.123456+00', '2026-11-23T10:00:00.123Z'],
  ['2026-11-23 10:00:00.999999+00', '2026-11-23T10:00:00.999Z'],
  ['2026-11-23 12:00:00.123+02', '2026-11-23T10:00:00.123Z'],
  ['2026-11-23 15:30:00+05:30', '2026-11-23T10:00:00.000Z'],
  ['0044-03-15 00:00:00+00 BC', '-000043-03-15T00:00:00.000Z'],
  ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00.000Z'],
  ['12026-11-23 10:00:00+00', '+012026-11-23T10:00:00.000Z'],
])('the instant %s is read as the driver reads it', (written, meant) => {
  const usual = pg.types.getTypeParser(TIMESTAMPTZ)(written) as unknown as Date
  expect((read(TIMESTAMPTZ, written) as Date).toISOString()).toBe(meant)
  expect(usual.toISOString()).toBe(meant)
})

test('all other types are read by the driver', () => {
  expect(read(JSONB, '{"a": [1]}')).toEqual({ a: [1] })
  expect([read(INT4, '7'), read(BOOL, 't'), read(TIMESTAMPTZ, 'infinity')]).toEqual([
    7,
    true,
    Infinity,
  ])
})
