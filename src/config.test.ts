import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { envExample, readConfig } from './config.ts'

test('an empty environment is a development node on this machine', () => {
  const config = readConfig({})
  expect(config.publicUrl).toBe('http://localhost:2583')
  expect(config.handleDomain).toBe('.angel.test')
  expect(config.ANGELOS_INVITE_REQUIRED).toBe(false)
})

test('a public hostname turns on TLS in front, invites, rate limits and crawlers', () => {
  const config = readConfig({ ANGELOS_HOSTNAME: 'node.example.org' })
  expect(config.publicUrl).toBe('https://node.example.org')
  expect(config.handleDomain).toBe('.node.example.org')
  expect(config.ANGELOS_INVITE_REQUIRED).toBe(true)
  expect(config.ANGELOS_RATE_LIMITS).toBe(true)
  expect(config.ANGELOS_CRAWLERS).toEqual(['https://bsky.network'])
})

test('the default node has an admin port on loopback, and others have the one they name', () => {
  expect(readConfig({}).ANGELOS_ADMIN_PORT).toBe(2584)
  expect(readConfig({}).ANGELOS_ADMIN_HOST).toBe('127.0.0.1')
  expect(readConfig({ ANGELOS_PORT: '2590' }).ANGELOS_ADMIN_PORT).toBe(0)
  expect(readConfig({ ANGELOS_PORT: '2590', ANGELOS_ADMIN_PORT: '9' }).ANGELOS_ADMIN_PORT).toBe(9)
  expect(readConfig({ ANGELOS_ADMIN_PORT: '0' }).ANGELOS_ADMIN_PORT).toBe(0)
})

test('every problem is reported at once, unknown names included', () => {
  const read = () =>
    readConfig({ ANGELOS_PORT: 'x', ANGELOS_HOSTNAM: 'typo', DATABASE_URL: 'mysql://h/d' })
  expect(read).toThrow(/ANGELOS_PORT[^]*DATABASE_URL|DATABASE_URL[^]*ANGELOS_PORT/)
  expect(read).toThrow(/ANGELOS_HOSTNAM/)
})

test('half a mail or bucket configuration is refused', () => {
  expect(() => readConfig({ ANGELOS_SMTP_URL: 'smtp://mail' })).toThrow(/ANGELOS_EMAIL_FROM/)
  expect(() => readConfig({ ANGELOS_S3_REGION: 'eu' })).toThrow(/ANGELOS_S3_BUCKET/)
})

test('half of a Stripe account, or a secret given twice, is refused', () => {
  const [key, secret] = ['ANGELOS_STRIPE_SECRET_KEY', 'ANGELOS_STRIPE_WEBHOOK_SECRET']
  expect(() => readConfig({ [key]: 'sk_test_1' })).toThrow(/ANGELOS_STRIPE_WEBHOOK_SECRET/)
  const twice = { [key]: 'sk_test_1', [`${key}_FILE`]: '/run/key', [secret]: 'whsec_1' }
  expect(() => readConfig(twice)).toThrow(/not both/)
  const whole = { [`${key}_FILE`]: '/run/key', [secret]: 'whsec_1' }
  expect(readConfig(whole).ANGELOS_STRIPE_WEBHOOK_SECRET).toBe('whsec_1')
})

test('a node that only validates takes no accounts, and no settings of parts that it lacks', () => {
  const validator = readConfig({ ANGELOS_ROLE: 'all' }, { ANGELOS_ROLE: 'validator' })
  expect(validator).toMatchObject({ validatesOnly: true, ANGELOS_INVITE_REQUIRED: true })
  expect(readConfig({})).toMatchObject({ validatesOnly: false })
  const idle = {
    ANGELOS_UPSTREAMS: 'https://a.example',
    ANGELOS_RELAYS: 'https://b.example',
    ANGELOS_TOKEN_PROVIDER_KEY_FILE: '/run/key',
    ANGELOS_INVITE_REQUIRED: 'false',
  }
  expect(readConfig(idle)).toMatchObject({ ANGELOS_INVITE_REQUIRED: false })
  const named = /UPSTREAMS, ANGELOS_RELAYS, ANGELOS_TOKEN_PROVIDER_KEY_FILE, .*REQUIRED=false/
  expect(() => readConfig(idle, { ANGELOS_ROLE: 'validator' })).toThrow(named)
  expect(() => readConfig({}, { ANGELOS_ROLE: 'pds' })).toThrow(/ANGELOS_ROLE/)
})

test('a PLC directory by address is refused, since the PDS would not ask it', () => {
  expect(() => readConfig({ ANGELOS_PLC_URL: 'http://127.0.0.1:2582' })).toThrow(/localhost/)
})

test('other people’s variables are none of our business', () => {
  expect(readConfig({ PORT: 'x', PDS_PORT: 'y' }).ANGELOS_PORT).toBe(2583)
})

test('node.env.example says what the settings are', async () => {
  const text = await readFile(new URL('../node.env.example', import.meta.url), 'utf8')
  expect(text).toBe(envExample())
})
