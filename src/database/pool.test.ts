import { expect, test } from 'vitest'
import { isDataError, isRetryable } from './pool.ts'

const withCode = (code: string) => Object.assign(new Error(code), { code })

test('what passes by itself is worth another try', () => {
  for (const code of ['40001', '40P01', '57P01', '57P02', '57P03', '53300', '08006', '08P01']) {
    expect(isRetryable(withCode(code))).toBe(true)
  }
  for (const code of ['ECONNREFUSED', 'ECONNRESET']) {
    expect(isRetryable(withCode(code))).toBe(true)
  }
  expect(isRetryable(new Error('Connection terminated unexpectedly'))).toBe(true)
  expect(isRetryable(new Error('outer', { cause: withCode('40001') }))).toBe(true)
})

test('what stays wrong is not tried again', () => {
  for (const code of ['23505', '22001', '54000', '42P01', '28P01', '57014', 'ENOENT']) {
    expect(isRetryable(withCode(code))).toBe(false)
  }
  expect(isRetryable(new Error('no Connection terminated here'))).toBe(false)
  expect(isRetryable('40001')).toBe(false)
  expect(isRetryable(undefined)).toBe(false)
})

test('values that the database refuses are told from everything else', () => {
  for (const code of ['22001', '22P02', '23505', '23P01', '54000']) {
    expect(isDataError(withCode(code))).toBe(true)
  }
  expect(isDataError(new Error('outer', { cause: withCode('23505') }))).toBe(true)
  for (const code of ['40001', '42703', '2200', 'ECONNREFUSED']) {
    expect(isDataError(withCode(code))).toBe(false)
  }
})

test('an error that is its own cause does not go round for ever', () => {
  const error = new Error('round')
  error.cause = error
  expect(isRetryable(error)).toBe(false)
})
