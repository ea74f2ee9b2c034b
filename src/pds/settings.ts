import path from 'node:path'
import { type ServerEnvironment } from '@atproto/pds'

/** Where uploaded blobs are kept: `blobs` beside the other data, or a bucket that speaks S3. */
export type BlobstoreSettings =
  | { kind: 'disk'; directory?: string }
  | {
      kind: 's3'
      bucket: string
      region?: string
      endpoint?: string
      accessKeyId?: string
      secretAccessKey?: string
      forcePathStyle?: boolean
    }

/** Everything the embedded PDS is told; read and checked where the node reads its configuration. */
export type PdsSettings = {
  hostname: string
  /** The origin clients use, if it is not the hostname with https (http and port on localhost). */
  publicUrl?: string
  /** The interface to listen on, for example 127.0.0.1. */
  host: string
  port: number
  dataDir: string
  plcUrl: string
  serviceDid: string
  /** Each with its leading dot: `.node.example`. */
  handleDomains: string[]
  secrets: {
    jwtSecret: string
    adminPassword: string
    plcRotationKeyHex: string
    dpopSecret?: string
  }
  development: boolean
  inviteRequired: boolean
  rateLimits: { enabled: boolean; bypassKey?: string; bypassIps?: string[] }
  crawlers: string[]
  email?: { smtpUrl: string; from: string }
  blobstore: BlobstoreSettings
  blobUploadLimitBytes: number
  serviceName?: string
  contactEmail?: string
  privacyPolicyUrl?: string
  termsOfServiceUrl?: string
  /** The first rotation key of accounts that people create, a did:key of the operator. */
  recoveryDidKey?: string
  /** Resolves handles of other nodes in development, where `.test` names have no DNS. */
  resolveHandle?: (handle: string) => Promise<string | undefined>
}

/** The settings as the environment object that the PDS package turns into its configuration. */
export function toEnvironment(settings: PdsSettings): Partial<ServerEnvironment> {
  return {
    hostname: settings.hostname,
    port: settings.port,
    serviceDid: settings.serviceDid,
    serviceName: settings.serviceName,
    dataDirectory: settings.dataDir,
    didPlcUrl: settings.plcUrl,
    serviceHandleDomains: settings.handleDomains,
    recoveryDidKey: settings.recoveryDidKey,
    jwtSecret: settings.secrets.jwtSecret,
    adminPassword: settings.secrets.adminPassword,
    plcRotationKeyK256PrivateKeyHex: settings.secrets.plcRotationKeyHex,
    dpopSecret: settings.secrets.dpopSecret,
    devMode: settings.development,
    inviteRequired: settings.inviteRequired,
    rateLimitsEnabled: settings.rateLimits.enabled,
    rateLimitBypassKey: settings.rateLimits.bypassKey,
    rateLimitBypassIps: settings.rateLimits.bypassIps,
    crawlers: settings.crawlers,
    emailSmtpUrl: settings.email?.smtpUrl,
    emailFromAddress: settings.email?.from,
    blobUploadLimit: settings.blobUploadLimitBytes,
    contactEmailAddress: settings.contactEmail,
    privacyPolicyUrl: settings.privacyPolicyUrl,
    termsOfServiceUrl: settings.termsOfServiceUrl,
    ...blobstoreEnvironment(settings),
  }
}

function blobstoreEnvironment(settings: PdsSettings): Partial<ServerEnvironment> {
  const { blobstore } = settings
  if (blobstore.kind === 'disk') {
    return { blobstoreDiskLocation: blobstore.directory ?? path.join(settings.dataDir, 'blobs') }
  }
  return {
    blobstoreS3Bucket: blobstore.bucket,
    blobstoreS3Region: blobstore.region,
    blobstoreS3Endpoint: blobstore.endpoint,
    blobstoreS3AccessKeyId: blobstore.accessKeyId,
    blobstoreS3SecretAccessKey: blobstore.secretAccessKey,
    blobstoreS3ForcePathStyle: blobstore.forcePathStyle,
  }
}
