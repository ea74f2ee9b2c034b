import { Readable } from 'node:stream'
import { collections } from './appview/collections/index.ts'
import type { RepoWriter } from './appview/own-record.ts'
import { createTurns } from './appview/turns.ts'
import { type PDS } from '@atproto/pds'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { lexRecord } from './appview/lex-record.ts'
import type { Log } from './log.ts'
import type { SendMail } from './mail/mail.ts'
import { ensureHostedAccount } from './pds/accounts.ts'
import { adminCheck } from './pds/admin.ts'
import { type Backlog, backlogAfter } from './pds/backlog.ts'
import { blobBytes } from './pds/blob-bytes.ts'
import { type Embedded, createPds } from './pds/embed.ts'
import { type OwnAccount, ownAccount } from './pds/own-account.ts'
import { fasten } from './pds/fast/fasten.ts'
import { defaultSwitches } from './pds/fast/switches.ts'
import { keepLetters } from './pds/keep-letters.ts'
import { keepWritten } from './pds/keep-written.ts'
import { type ListedRecord, listRecords } from './pds/list-records.ts'
import { loadBlob } from './pds/load-blob.ts'
import { lexiconValidator } from './pds/lexicon-validator.ts'
import { type PrivateBlobs, privateBlobs } from './pds/private-blob.ts'
import { noteLogins } from './pds/note-logins.ts'
import { repoHead } from './pds/repo-head.ts'
import { recordCid } from './pds/record-cid.ts'
import { type ProvenRecord, recordProof } from './pds/record-proof.ts'
import { removeHostedAccount } from './pds/remove-account.ts'
import { resignOnActivation } from './pds/resign.ts'
import type { NodeKeys } from './pds/secrets.ts'
import { type VerifySession, sessionVerifier } from './pds/session.ts'
import { setHandle } from './pds/set-handle.ts'
import { type HostedStatus, hostedStatus, signAs } from './pds/sign-as.ts'
import type { PdsSettings } from './pds/settings.ts'
import { uploadBlob } from './pds/upload-blob.ts'
import { validateWrites } from './pds/validate.ts'
import { withdrawAtStart } from './pds/withdraw-events.ts'
import { createWriter } from './pds/write.ts'

/** The node's PDS and what the other parts may ask of it. */
export type NodePds = {
  readonly embedded: Embedded
  readonly writer: RepoWriter
  readonly session: VerifySession
  readonly ensureAccount: (
    handle: string,
    options?: { reserved?: boolean },
  ) => Promise<{ did: string }>
  /** Takes back an account that `ensureAccount` made. */
  readonly removeAccount: (did: string) => Promise<void>
  /** The version of a public record; undefined when there is none here. */
  readonly recordCid: (at: {
    did: string
    collection: string
    rkey: string
  }) => Promise<string | undefined>
  /** A public record with what shows that it is there; undefined when there is none here. */
  readonly recordProof: (at: {
    did: string
    collection: string
    rkey: string
  }) => Promise<ProvenRecord | undefined>
  /** Public records of an account hosted here, in the order of their keys; see `listRecords`. */
  readonly listRecords: (of: {
    did: string
    collection: string
    prefix: string
    after: string
    limit: number
  }) => Promise<ListedRecord[]>
  readonly isHosted: (did: string) => Promise<boolean>
  /** Has the letters of a PDS without a mail server sent otherwise. */
  readonly keepLetters: (send: SendMail) => void
  /** Has every sign-in with an account's password noted. */
  readonly noteLogins: (note: (did: string) => Promise<void>) => void
  /** The e-mail address of somebody's account, and whether it is known to be theirs. */
  readonly emailOf: (did: string) => Promise<{ address: string; confirmed: boolean } | undefined>
  readonly handleOf: (did: string) => Promise<string | undefined>
  /** The account of this node with that handle. */
  readonly didOf: (handle: string) => Promise<string | undefined>
  /** Gives an account of this node a handle; throws `HandleNotAvailable`. */
  readonly setHandle: (did: string, handle: string) => Promise<void>
  /** Whether an `authorization` header has the administrator's password. */
  readonly isAdmin: (header: string | undefined) => boolean
  /** What is known here of an account, also one that is not active; undefined for every other. */
  readonly ownAccount: (did: string) => Promise<OwnAccount | undefined>
  readonly statusOf: (did: string) => Promise<HostedStatus | undefined>
  /** Signs with the #atproto key of an account hosted here. */
  readonly signAs: (did: string) => (bytes: Uint8Array) => Promise<Uint8Array>
  readonly privateBlobs: PrivateBlobs
  readonly uploadBlob: (blob: {
    did: string
    content: Readable
    mimeType: string
  }) => Promise<{ readonly size: number }>
  /** The bytes of all blobs in the public repos of these accounts. */
  readonly blobBytes: (dids: readonly string[]) => Promise<number>
  /** The bytes of a blob of an account hosted here; undefined for every other. */
  readonly loadBlob: (did: string, cid: string) => Promise<Uint8Array | undefined>
  /** What a reader of the event log who has come to `seq` has yet to read. */
  readonly backlogAfter: (seq: number) => Promise<Backlog>
}

type Options = {
  config: Config
  keys: NodeKeys
  plcUrl: string
  did: string
  dataDir: string
  log: Log
  clock: Clock
}

/** Makes the PDS, not yet listening: tested speed-ups first, lexicon validation over them. */
export async function openPds(options: Options): Promise<NodePds> {
  const { config, log, clock } = options
  const embedded = await createPds(settingsOf(options))
  const { pds } = embedded
  if (config.ANGELOS_WRITE_PATH === 'fast') fasten(pds, defaultSwitches, { log })
  keepWritten(pds)
  withdrawAtStart(pds, log)
  resignOnActivation(pds, log)
  validateWrites(pds, lexiconValidator(collections.map((c) => c.schema)))
  const inTurn = createTurns()
  const accountOf = (did: string) =>
    pds.ctx.accountManager.getAccount(did as never, { includeDeactivated: true })
  return {
    embedded,
    writer: repoWriter(pds, createWriter(pds, log)),
    session: sessionVerifier(pds, clock),
    ensureAccount: (handle, { reserved = false } = {}) =>
      ensureHostedAccount({ pds, log, handle, handleDomains: [config.handleDomain], reserved }),
    removeAccount: (did) => removeHostedAccount(pds, did),
    recordCid: (at) => recordCid(pds, at),
    recordProof: (at) => recordProof(pds, at),
    listRecords: (of) => listRecords(pds, of),
    keepLetters: (send) => {
      if (!config.ANGELOS_SMTP_URL) keepLetters(pds, send)
    },
    noteLogins: (note) => noteLogins(pds, note),
    isHosted: async (did) => (await accountOf(did)) !== null,
    emailOf: async (did) => {
      const { email, emailConfirmedAt } = (await accountOf(did)) ?? {}
      return email ? { address: email, confirmed: emailConfirmedAt !== null } : undefined
    },
    handleOf: async (did) => (await accountOf(did))?.handle ?? undefined,
    didOf: async (handle) => (await pds.ctx.accountManager.getAccount(handle as never))?.did,
    // Of two changes of an identity at one time the directory would refuse the second.
    setHandle: (did, handle) => inTurn(did, () => setHandle(pds, did, handle)),
    isAdmin: adminCheck(options.keys.adminPassword),
    ownAccount: (did) => ownAccount(pds, did),
    statusOf: (did) => hostedStatus(pds, did),
    signAs: (did) => signAs(pds, did),
    privateBlobs: privateBlobs(pds),
    uploadBlob: ({ did, content, mimeType }) =>
      uploadBlob(pds, { did, content, mimeType: mimeType as `${string}/${string}` }),
    blobBytes: (dids) => blobBytes(pds, dids),
    loadBlob: (did, cid) => loadBlob(pds, { did, cid, maxBytes: config.ANGELOS_BLOB_LIMIT_BYTES }),
    backlogAfter: (seq) => backlogAfter(pds, seq),
  }
}

/** Methods write records as JSON has them; repos hold them as the data model does. */
function repoWriter(pds: PDS, writer: ReturnType<typeof createWriter>): RepoWriter {
  return {
    putRecord: ({ record, ...at }) => writer.putRecord({ ...at, record: lexRecord(record) }),
    deleteRecord: ({ swapHead: swapCommit, ...at }) => writer.deleteRecord({ swapCommit, ...at }),
    putAll: async ({ did, puts, swapHead: swapCommit }) => {
      const writes = puts.map(async ({ record, ...at }) => ({
        action: (await recordCid(pds, { did, ...at })) ? ('update' as const) : ('create' as const),
        ...at,
        record: lexRecord(record),
      }))
      return writer.applyWrites({ did, swapCommit, writes: await Promise.all(writes) })
    },
    head: async ({ did }) => {
      const { rev, commit } = await repoHead(pds, did)
      return { rev, swapHead: commit }
    },
    createAll: ({ did, creates }) =>
      writer.applyWrites({
        did,
        writes: creates.map(({ record, ...at }) => ({
          action: 'create' as const,
          ...at,
          record: lexRecord(record),
        })),
      }),
  }
}

function settingsOf({ config, keys, plcUrl, did, dataDir }: Options): PdsSettings {
  return {
    hostname: config.ANGELOS_HOSTNAME,
    publicUrl: config.publicUrl,
    host: config.ANGELOS_HOST,
    port: config.ANGELOS_PORT,
    dataDir: `${dataDir}/pds`,
    plcUrl,
    serviceDid: did,
    handleDomains: [config.handleDomain],
    secrets: keys,
    development: config.development,
    inviteRequired: config.ANGELOS_INVITE_REQUIRED ?? true,
    rateLimits: { enabled: config.ANGELOS_RATE_LIMITS ?? true },
    crawlers: config.ANGELOS_CRAWLERS ?? [],
    ...(config.ANGELOS_SMTP_URL &&
      config.ANGELOS_EMAIL_FROM && {
        email: { smtpUrl: config.ANGELOS_SMTP_URL, from: config.ANGELOS_EMAIL_FROM },
      }),
    blobstore: blobstoreOf(config),
    blobUploadLimitBytes: config.ANGELOS_BLOB_LIMIT_BYTES,
    serviceName: 'Angel OS',
    contactEmail: config.ANGELOS_CONTACT_EMAIL,
    privacyPolicyUrl: config.ANGELOS_PRIVACY_POLICY_URL,
    termsOfServiceUrl: config.ANGELOS_TERMS_URL,
    recoveryDidKey: config.ANGELOS_RECOVERY_DID_KEY,
  }
}

function blobstoreOf(config: Config): PdsSettings['blobstore'] {
  if (!config.ANGELOS_S3_BUCKET) return { kind: 'disk' }
  return {
    kind: 's3',
    bucket: config.ANGELOS_S3_BUCKET,
    region: config.ANGELOS_S3_REGION,
    endpoint: config.ANGELOS_S3_ENDPOINT,
    accessKeyId: config.ANGELOS_S3_ACCESS_KEY_ID,
    secretAccessKey: config.ANGELOS_S3_SECRET_ACCESS_KEY,
    forcePathStyle: config.ANGELOS_S3_FORCE_PATH_STYLE,
  }
}
