import type { NodeKeys } from './secrets.ts'

/** One verification method of a DID document (W3C DID Core, Multikey). */
type VerificationMethod = {
  id: string
  type: 'Multikey'
  controller: string
  publicKeyMultibase: string
}

/** The node's own DID document. */
export type NodeDidDocument = {
  '@context': string[]
  id: string
  alsoKnownAs: string[]
  verificationMethod: VerificationMethod[]
  service: { id: string; type: string; serviceEndpoint: string }[]
}

/**
 * The did:web of a node. In development the port is part of it (`did:web:localhost%3A2583`), so
 * that two nodes on one machine differ; in production the document lies at the hostname itself.
 */
export function serviceDid(hostname: string, port: number, development: boolean): string {
  return development ? `did:web:${hostname}%3A${port}` : `did:web:${hostname}`
}

/**
 * The document served at `/.well-known/did.json` (did:web). Keys are did:key strings; `account` is
 * the DID of the account that holds the node's records, once there is one.
 */
export function didDocument(node: {
  did: string
  publicUrl: string
  serviceKey: string
  validatorKey: string
  account?: string
  /** Whether it has no AppView. */
  validatesOnly?: boolean
}): NodeDidDocument {
  const serviceEndpoint = node.publicUrl
  const views = node.validatesOnly
    ? []
    : [
        { id: '#angelos_appview', type: 'AngelosAppView', serviceEndpoint },
        { id: '#bsky_appview', type: 'BskyAppView', serviceEndpoint },
      ]
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: node.did,
    alsoKnownAs: node.account === undefined ? [] : [node.account],
    verificationMethod: [
      verificationMethod(node.did, 'atproto', node.serviceKey),
      verificationMethod(node.did, 'angelos_validator', node.validatorKey),
    ],
    service: [
      { id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint },
      ...views,
      { id: '#angelos_validator', type: 'AngelosValidator', serviceEndpoint },
    ],
  }
}

/** The node's DID document, which names the node's own account once there is one. */
export function describeNode(parts: {
  did: string
  publicUrl: string
  validatesOnly: boolean
  keys: Pick<NodeKeys, 'serviceKey' | 'validatorKey'>
}): { document: () => NodeDidDocument; setAccount: (account: string) => void } {
  const { keys, ...node } = parts
  const known = {
    ...node,
    serviceKey: keys.serviceKey.did(),
    validatorKey: keys.validatorKey.did(),
  }
  let current = didDocument(known)
  return {
    document: () => current,
    setAccount: (account) => {
      current = didDocument({ ...known, account })
    },
  }
}

function verificationMethod(did: string, fragment: string, didKey: string): VerificationMethod {
  return {
    id: `${did}#${fragment}`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase: didKey.slice('did:key:'.length),
  }
}
