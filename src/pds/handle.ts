import { type PDS } from '@atproto/pds'
import { type HandleString, normalizeAndEnsureValidHandle } from '@atproto/syntax'
import { InvalidRequestError, XRPCError } from '@atproto/xrpc-server'

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])$/
const LABEL_CHARS_MIN = 3
const LABEL_CHARS_MAX = 63
/** A tenant's name and, in front of it, the name of one of the tenant's spaces. */
const LABELS_MAX = 2

/** Names the node keeps for itself, besides the package's list of a thousand. */
const RESERVED = new Set([
  'angel',
  'angelos',
  'appview',
  'console',
  'federation',
  'firehose',
  'guest',
  'kendev',
  'node',
  'operator',
  'relay',
  'treasury',
  'validator',
])

/**
 * The normal form of a handle for an account the node makes: one or two labels of 3 to 63
 * characters of `[a-z0-9-]` in front of a handle domain. Throws XRPC `InvalidHandle`, or
 * `HandleNotAvailable` for a reserved word next to the domain, unless `reserved` is allowed.
 */
export async function hostedHandle(options: {
  pds: PDS
  handle: string
  handleDomains: readonly string[]
  reserved?: boolean
}): Promise<HandleString> {
  const handle = normalHandle(options.handle)
  const domain = options.handleDomains
    .filter((each) => handle.endsWith(each))
    .toSorted((a, b) => b.length - a.length)[0]
  if (domain === undefined) {
    throw invalid(`${handle} does not end with ${options.handleDomains.join(' or ')}`)
  }
  const labels = handle.slice(0, -domain.length).split('.')
  if (labels.length > LABELS_MAX) throw invalid(`${handle} has more than ${LABELS_MAX} names`)
  for (const label of labels) {
    if (!LABEL.test(label) || label.length < LABEL_CHARS_MIN || label.length > LABEL_CHARS_MAX) {
      const size = `${LABEL_CHARS_MIN} to ${LABEL_CHARS_MAX}`
      throw invalid(`"${label}" must be ${size} characters of a-z, 0-9 and inner hyphens`)
    }
  }
  if (options.reserved) return handle
  for (const [index, label] of labels.entries()) {
    const besideDomain = index === labels.length - 1
    await refuseReserved({ pds: options.pds, label, domain, besideDomain })
  }
  return handle
}

function normalHandle(handle: string): HandleString {
  try {
    return normalizeAndEnsureValidHandle(handle)
  } catch (cause) {
    throw new InvalidRequestError(`Not a handle: ${handle}`, 'InvalidHandle', { cause })
  }
}

/**
 * The package keeps its reserved words and slurs to itself, so its own check is asked. Not shared
 * are the verdicts that 18 characters are enough, and that a tenant may not name a space `shop`.
 */
async function refuseReserved(name: {
  pds: PDS
  label: string
  domain: string
  besideDomain: boolean
}): Promise<void> {
  if (name.besideDomain && RESERVED.has(name.label)) {
    throw new InvalidRequestError(`${name.label} is a reserved name`, 'HandleNotAvailable')
  }
  try {
    await name.pds.ctx.accountManager.normalizeAndValidateHandle(`${name.label}${name.domain}`)
  } catch (error) {
    const reason = error instanceof XRPCError ? error.message : undefined
    if (reason === 'Handle too long') return
    if (reason === 'Reserved handle' && !name.besideDomain) return
    throw error
  }
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'InvalidHandle')
}
