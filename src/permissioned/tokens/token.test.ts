import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signerFromPrivateKey } from '../../crypto/ecdsa.ts'
import { p256Signer } from '../../crypto/p256.ts'
import { type CredentialKey, checkCredential, makeCredential } from './credential.ts'
import { checkDelegation, delegationAudience, makeDelegation } from './delegation.ts'
import { peekJwt } from './jwt.ts'

const account = signerFromPrivateKey(Buffer.alloc(32, 7))
const holder = p256Signer()
const sign = (bytes: Uint8Array) => Promise.resolve(account.sign(bytes))
const now = new Date('2026-10-01T12:00:00.500Z')
const authority = 'did:web:shop.example'
const did = 'did:plc:z72i7hdynmk6r22z27h6tvur'
const space = `at://${authority}/space/com.example.room/staff`
const keys: Partial<Record<CredentialKey, string>> = { '#atproto': account.didKey }
const delegation = await makeDelegation({ did, space, now, sign })
const credential = await makeCredential({ space, key: holder.didKey, now, sign })
const delegated = (token: string, at = now) =>
  checkDelegation(token, { space, now: at, signingKey: account.didKey })
const credited = (token: string, at = now) => checkCredential(token, { space, now: at, keys })

test('a delegation token says whose word it is, for a minute and one space', () => {
  const checked = delegated(delegation)
  expect(checked).toMatchObject({ ok: true, did, space })
  expect(checked.ok && checked.expiresAt).toEqual(new Date('2026-10-01T12:01:00Z'))
  const typ = 'atproto-space-delegation+jwt'
  expect(peekJwt(delegation)).toEqual({ typ, kid: '#atproto', iss: did })
  expect(delegated(delegation, new Date(now.getTime() + 64_000)).ok).toBe(true)
  expect(delegated(delegation, new Date(now.getTime() + 65_000))).toMatchObject({
    fault: 'JwtExpired',
  })
})

test('a credential binds the holder’s key, for ten minutes unless it is said otherwise', async () => {
  const { token, ...said } = credential
  expect(credited(token)).toEqual({ ok: true, ...said })
  expect(said.expiresAt).toEqual(new Date('2026-10-01T12:10:00Z'))
  expect(credited(token, new Date(said.expiresAt.getTime() + 5_000)).ok).toBe(false)
  const made = { space, key: holder.didKey, now, sign, kid: '#atproto_space' as const }
  const long = await makeCredential({ ...made, lifetime: 3_600, alg: 'ES256K', jti: 'mine' })
  expect(credited(long.token)).toEqual({ ok: false, fault: 'BadJwtKey' })
  const by = { space, now, keys: { '#atproto_space': account.didKey } }
  expect(checkCredential(long.token, by)).toMatchObject({ ok: true, jti: 'mine' })
})

test('every token has an id of its own', async () => {
  const ids = [delegation, await makeDelegation({ did, space, now, sign })].map((token) => {
    const checked = delegated(token)
    return checked.ok && checked.jti
  })
  expect(new Set(ids).size).toBe(2)
})

test('neither token passes for the other', () => {
  expect(delegated(credential.token)).toEqual({ ok: false, fault: 'BadJwtType' })
  expect(credited(delegation)).toEqual({ ok: false, fault: 'BadJwtType' })
})

test('any single changed, missing or added character of a token is refused', () => {
  const chars = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+ '
  for (const [token, check] of [
    [delegation, delegated],
    [credential.token, credited],
  ] as const) {
    expect(check(token).ok).toBe(true)
    for (let at = 0; at < token.length; at += 1) {
      const [before, after] = [token.slice(0, at), token.slice(at + 1)]
      const char = chars[(chars.indexOf(token[at]!) + 1 + (at % 60)) % chars.length]
      expect(check(before + char + after).ok, `changed at ${at}`).toBe(false)
      expect(check(before + after).ok, `missing at ${at}`).toBe(false)
      expect(check(`${token.slice(0, at)}A${token.slice(at)}`).ok, `added at ${at}`).toBe(false)
    }
  }
})

test('whatever is sent instead of a token is refused, and nothing is thrown', () => {
  const part = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)))
  const parts = fc.array(fc.oneof(part, fc.uint8Array({ maxLength: 40 })), { maxLength: 4 })
  const token = parts.map((all) => all.map((one) => Buffer.from(one).toString('base64url')))
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        token.map((all) => all.join('.')),
      ),
      (text) => {
        expect(delegated(text).ok).toBe(false)
        expect(credited(text).ok).toBe(false)
        expect(peekJwt(text)).toBeUndefined()
      },
    ),
    { numRuns: 500 },
  )
})

test('no token is made that others would refuse', async () => {
  const made = { space, key: holder.didKey, now, sign }
  await expect(makeCredential({ ...made, lifetime: 3_601 })).rejects.toThrow(RangeError)
  await expect(makeCredential({ ...made, lifetime: Number.NaN })).rejects.toThrow(RangeError)
  await expect(makeCredential({ ...made, key: account.didKey })).rejects.toThrow(TypeError)
  await expect(makeCredential({ ...made, space: 'at://a' })).rejects.toThrow(TypeError)
  expect(() => delegationAudience('at://a')).toThrow(TypeError)
})
