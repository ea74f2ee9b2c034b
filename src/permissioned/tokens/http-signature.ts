import { parseDidKey } from '../../crypto/did-key.ts'
import type { Signer } from '../../crypto/ecdsa.ts'
import { verifyEitherS } from '../../crypto/p256.ts'
import { type Member, type Params, listText, parseDictionary } from './structured-field.ts'

/** The values of each header by its lower-case name, as in `IncomingMessage.headersDistinct`. */
export type HeaderLines = Readonly<Record<string, readonly string[] | undefined>>

/** What is wrong with the signature of a request. */
export type SignatureFault = 'BadSpaceSignature' | 'BadSpaceAudience'

/** Headers to send with a signed request. */
export type SignedHeaders = Readonly<Record<string, string>>

const LABEL = 'atproto-space'
const AUDIENCE = 'atproto-space-audience'
const ALGORITHM = 'ecdsa-p256-sha256'
const COMPACT = 64
/** What a header may hold beside a token or a DID. */
const VALUE_MAX = 4_200
const LIMITS = { length: 4_096, members: 8 }
const BEARER = /^Bearer +([A-Za-z0-9._-]+)$/i
const CREDENTIAL = /^Atproto-Space +([A-Za-z0-9._-]+)$/i

/**
 * The bytes that are signed (RFC 9421 §2.5): a line for each covered header, and `params`, the list
 * in `Signature-Input` with its parameters, in the form RFC 8941 writes.
 */
export function signatureBase(of: {
  authorization: string
  audience?: string
  params: string
}): Uint8Array {
  const { authorization, audience, params } = of
  const covered = [`"authorization": ${authorization}`]
  if (audience !== undefined) covered.push(`"${AUDIENCE}": ${audience}`)
  return Buffer.from([...covered, `"@signature-params": ${params}`].join('\n'))
}

/** Headers of the exchange of a delegation token for a credential that only `signer` can use.
 *  Throws `TypeError` for a signer that is not P-256. */
export function signExchange(to: { token: string; signer: Signer }): SignedHeaders {
  const authorization = `Bearer ${to.token}`
  const params = `("authorization");keyid="${to.signer.didKey}"`
  return { authorization, ...signed(to.signer, { authorization, params }) }
}

/**
 * Headers of a request under a credential. `audience` is the DID whose repo is read, or the
 * authority's where its host is asked; they may be sent again while both stay the same. Throws
 * `TypeError` for a signer that is not P-256.
 */
export function signUse(to: {
  credential: string
  audience: string
  signer: Signer
}): SignedHeaders {
  const authorization = `Atproto-Space ${to.credential}`
  const { audience, signer } = to
  const params = `("authorization" "${AUDIENCE}")`
  const signature = signed(signer, { authorization, audience, params })
  return { authorization, [AUDIENCE]: audience, ...signature }
}

/** The credential of a request; undefined unless it has exactly one header that brings one. */
export function credentialOf(headers: HeaderLines): string | undefined {
  return CREDENTIAL.exec(only(headers, 'authorization') ?? '')?.[1]
}

/**
 * Checks the signature of an exchange: the delegation token, not yet checked, and the P-256 did:key
 * that has signed for it and that the credential is to name.
 */
export function checkExchange(
  headers: HeaderLines,
): { ok: true; token: string; key: string } | { ok: false; fault: SignatureFault } {
  const authorization = only(headers, 'authorization')
  const token = BEARER.exec(authorization ?? '')?.[1]
  const input = readSignature(headers, ['authorization'])
  const key = input && textOf(input.params, 'keyid')
  if (authorization === undefined || token === undefined || input === undefined || !key) {
    return { ok: false, fault: 'BadSpaceSignature' }
  }
  const bytes = signatureBase({ authorization, params: input.text })
  return verifyEitherS({ didKey: key, bytes, signature: input.signature })
    ? { ok: true, token, key }
    : { ok: false, fault: 'BadSpaceSignature' }
}

/**
 * What is wrong with the signature of a request under the credential of `credentialOf`; undefined
 * when it is by `key`, the credential's, and for `audience`: the DID of the repo that is asked for,
 * or the authority's where its host is asked.
 */
export function checkUse(
  headers: HeaderLines,
  by: { audience: string; key: string },
): SignatureFault | undefined {
  const authorization = only(headers, 'authorization')
  const audience = only(headers, AUDIENCE)
  const input = readSignature(headers, ['authorization', AUDIENCE])
  if (authorization === undefined || credentialOf(headers) === undefined) return 'BadSpaceSignature'
  if (audience === undefined || input === undefined) return 'BadSpaceSignature'
  if (input.params.has('keyid') && textOf(input.params, 'keyid') !== by.key) {
    return 'BadSpaceSignature'
  }
  const bytes = signatureBase({ authorization, audience, params: input.text })
  if (!verifyEitherS({ didKey: by.key, bytes, signature: input.signature })) {
    return 'BadSpaceSignature'
  }
  return audience === by.audience ? undefined : 'BadSpaceAudience'
}

function signed(
  signer: Signer,
  of: { authorization: string; audience?: string; params: string },
): SignedHeaders {
  if (parseDidKey(signer.didKey)?.curve !== 'p256') throw new TypeError('not a P-256 key')
  const signature = Buffer.from(signer.sign(signatureBase(of))).toString('base64')
  return { 'signature-input': `${LABEL}=${of.params}`, signature: `${LABEL}=:${signature}:` }
}

/** The signature with our label, when it covers exactly these headers in this order. */
function readSignature(
  headers: HeaderLines,
  covered: readonly string[],
): { params: Params; text: string; signature: Uint8Array } | undefined {
  const input = member(headers, 'signature-input')
  const signature = member(headers, 'signature')
  if (input === undefined || !('list' in input)) return undefined
  if (signature === undefined || 'list' in signature || signature.params.size > 0) return undefined
  const { item } = signature
  if (item.type !== 'bytes' || item.value.length !== COMPACT) return undefined
  const names = input.list.map((one) => (one.params.size > 0 ? '' : one.item.text))
  if (names.join(' ') !== covered.map((name) => `"${name}"`).join(' ')) return undefined
  const { params } = input
  if (params.has('alg') && textOf(params, 'alg') !== ALGORITHM) return undefined
  return { params, text: listText(input), signature: item.value }
}

function member(headers: HeaderLines, name: string): Member | undefined {
  return parseDictionary(headers[name] ?? [], LIMITS)?.get(LABEL)
}

function textOf(params: Params, name: string): string | undefined {
  const item = params.get(name)
  return item?.type === 'string' ? item.value : undefined
}

/** The value of a header that must come once: two would be two requests to two readers. */
function only(headers: HeaderLines, name: string): string | undefined {
  const [line, ...more] = headers[name] ?? []
  const value = line?.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
  if (value === undefined || value === '' || more.length > 0) return undefined
  return value.length <= VALUE_MAX && /^[\x21-\x7e]+(?: +[\x21-\x7e]+)*$/.test(value)
    ? value
    : undefined
}
