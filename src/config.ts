import { isIP } from 'node:net'
import { z } from 'zod'

const PREFIX = 'ANGELOS_'
const OURS = ['DATABASE_URL']

const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ''))
const origins = z
  .string()
  .transform((value) => value.split(',').flatMap((name) => name.trim() || []))
  .transform((list) => (list.length === 1 && list[0] === 'none' ? [] : list))
  .pipe(z.array(httpUrl))

/** Ledgers of tokens: the id of the first epoch, an @, and the account that governs it. */
const tokenLedgers = z
  .string()
  .transform((value) => value.split(',').flatMap((name) => name.trim() || []))
  .pipe(z.array(z.string().regex(/^bafyrei[a-z2-7]{52}@did:(plc|web):[a-zA-Z0-9._:%-]+$/)))

const port = z.coerce.number().int().max(65_535)

/** Every setting an operator may give. The description is what node.env.example says about it. */
const settings = z.strictObject({
  ANGELOS_DATA_DIR: z
    .string()
    .min(1)
    .default('./data')
    .describe('Folder with everything the node keeps: keys, repos, blobs, the embedded database'),
  ANGELOS_HOSTNAME: z
    .hostname()
    .default('localhost')
    .describe('Public name of the node. localhost means development: plain http, a PLC of its own'),
  ANGELOS_PORT: port.min(1).default(2583).describe('Port the node listens on'),
  ANGELOS_HOST: z
    .ipv4()
    .default('127.0.0.1')
    .describe('IPv4 address to listen on. Leave it at loopback when TLS ends in front of the node'),
  ANGELOS_ADMIN_PORT: port
    .min(0)
    .optional()
    .describe(
      'Port of /metrics, /readyz and /livez; 0 for none. Absent: 2584 beside port 2583, else none',
    ),
  ANGELOS_ADMIN_HOST: z
    .ipv4()
    .default('127.0.0.1')
    .describe(
      'IPv4 address of that port. It asks nobody who they are: keep the world away from it',
    ),
  ANGELOS_NAME: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{1,30}[a-z0-9])$/)
    .optional()
    .describe('Development only: handles end in .<name>.test. Made from the port when absent'),
  ANGELOS_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least important log lines to write'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('Postgres 15 or later to use instead of the embedded one'),
  ANGELOS_PLC_URL: httpUrl
    .optional()
    .describe('PLC directory. Absent: https://plc.directory, in development one of our own'),
  ANGELOS_PLC_PORT: port
    .min(0)
    .default(2582)
    .describe('Development only: port of our own PLC directory, for other nodes to share'),
  ANGELOS_UPSTREAMS: origins
    .default([])
    .describe('Other hosts whose accounts to listen to from the start, comma separated origins'),
  ANGELOS_RELAYS: origins
    .default([])
    .describe('Relays to hear of accounts of other hosts from, comma separated origins'),
  ANGELOS_RELAY_HOSTS: z
    .enum(['off', 'direct'])
    .default('off')
    .describe('direct: also listen to each host that those relays list, without them in between'),
  ANGELOS_REPAIRS_PER_HOUR: z.coerce
    .number()
    .int()
    .min(1)
    .max(360_000)
    .default(360)
    .describe('Questions to hosts in an hour, to find what was missed of their accounts'),
  ANGELOS_DNS_SERVERS: z
    .string()
    .transform((value) => value.split(',').flatMap((name) => name.trim() || []))
    .pipe(z.array(z.string().regex(/^[\d.:[\]a-f]+$/i)))
    .default([])
    .describe(
      'DNS servers to look for proofs of tenants’ domains at, comma separated. Absent: the system’s',
    ),
  ANGELOS_INVITE_REQUIRED: z
    .stringbool()
    .optional()
    .describe('Whether an account needs an invite code. Absent: yes, in development no'),
  ANGELOS_RATE_LIMITS: z
    .stringbool()
    .optional()
    .describe(
      'Whether requests are limited by address and account. Absent: yes, in development no',
    ),
  ANGELOS_CRAWLERS: origins
    .optional()
    .describe(
      'Relays told of new records, or none. Absent: https://bsky.network, in development none',
    ),
  ANGELOS_SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe('Mail server for confirmation and password mails, with ANGELOS_EMAIL_FROM'),
  ANGELOS_EMAIL_FROM: z.email().optional().describe('Sender of those mails'),
  ANGELOS_BLOB_LIMIT_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(52_428_800)
    .describe('Largest blob an account may upload'),
  ANGELOS_S3_BUCKET: z.string().optional().describe('Keep blobs in this bucket, not on disk'),
  ANGELOS_S3_REGION: z.string().optional().describe('Its region'),
  ANGELOS_S3_ENDPOINT: httpUrl.optional().describe('Its address, when it is not Amazon'),
  ANGELOS_S3_ACCESS_KEY_ID: z.string().optional().describe('Key to it'),
  ANGELOS_S3_SECRET_ACCESS_KEY: z.string().optional().describe('Secret of that key'),
  ANGELOS_S3_FORCE_PATH_STYLE: z
    .stringbool()
    .optional()
    .describe('Whether the bucket is a path of the endpoint, as MinIO has it'),
  ANGELOS_ROLE: z
    .enum(['all', 'validator'])
    .default('all')
    .describe('validator: the node answers for its token ledger only and takes no accounts'),
  ANGELOS_TOKEN_LEDGER: tokenLedgers
    .default([])
    .describe(
      'Further ledgers to follow, comma separated: CID of the first epoch, @, DID that governs it',
    ),
  ANGELOS_TOKEN_PROVIDER_KEY_FILE: z
    .string()
    .optional()
    .describe(
      'File with the device key of liquidity providers of this node, in hexadecimal digits',
    ),
  ANGELOS_TOKEN_USD_RATE: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000_000_000)
    .optional()
    .describe('Micro-tokens that a dollar is counted as. Absent: no figure in dollars is given'),
  ANGELOS_STRIPE_SECRET_KEY: z
    .string()
    .optional()
    .describe('Secret key of a Stripe account. Absent: a sandbox that takes no money'),
  ANGELOS_STRIPE_SECRET_KEY_FILE: z.string().optional().describe('File with that key instead'),
  ANGELOS_STRIPE_WEBHOOK_SECRET: z
    .string()
    .optional()
    .describe('Secret of its webhook, which sends to /webhooks/payments/stripe of this node'),
  ANGELOS_STRIPE_WEBHOOK_SECRET_FILE: z
    .string()
    .optional()
    .describe('File with that secret instead'),
  ANGELOS_STRIPE_URL: httpUrl.optional().describe('Where its API is, when it is not Stripe’s own'),
  ANGELOS_CONTACT_EMAIL: z.email().optional().describe('Where people reach the operator'),
  ANGELOS_PRIVACY_POLICY_URL: httpUrl.optional().describe('Privacy policy to link to'),
  ANGELOS_TERMS_URL: httpUrl.optional().describe('Terms of service to link to'),
  ANGELOS_RECOVERY_DID_KEY: z
    .string()
    .startsWith('did:key:')
    .optional()
    .describe('First rotation key of accounts that people create here, kept off this machine'),
  ANGELOS_TOKEN_GENESIS: z
    .string()
    .optional()
    .describe(
      'File with the first epoch of a token ledger. Absent: ledger/genesis.json of the data folder',
    ),
  ANGELOS_WRITE_PATH: z
    .enum(['fast', 'package'])
    .default('fast')
    .describe('fast: the tested speed-ups of the PDS; package: the PDS exactly as published'),
})

export type Settings = z.output<typeof settings>

/** The settings with everything derived from them; nothing else reads the environment. */
export type Config = Readonly<
  Settings & {
    development: boolean
    /** Whether it answers for a token ledger and nothing else. */
    validatesOnly: boolean
    /** 0 for none */
    ANGELOS_ADMIN_PORT: number
    /** Where clients reach the node, without a slash at the end. */
    publicUrl: string
    /** Where this machine reaches the node, whatever is in front of it. */
    localUrl: string
    /** What handles of this node end in, with the leading dot. */
    handleDomain: string
  }
>

/** Reads the environment once, and what was said beside it, which wins. Every problem is reported
 *  together, misspelt names included. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  said: Readonly<Record<string, string>> = {},
): Config {
  const ours = Object.entries({ ...env, ...said }).filter(
    ([name, value]) => (name.startsWith(PREFIX) || OURS.includes(name)) && value !== '',
  )
  const read = settings.safeParse(Object.fromEntries(ours))
  if (!read.success) throw new ConfigError(z.prettifyError(read.error))
  const half = halfGiven(read.data)
  if (half.length > 0) throw new ConfigError(half.join('\n'))
  return Object.freeze(derive(read.data))
}

/** The environment does not make a configuration; the message lists every problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(problems: string) {
    super(`The configuration cannot be used:\n${problems}`)
  }
}

function halfGiven(s: Settings): string[] {
  const problems: string[] = []
  if ((s.ANGELOS_SMTP_URL === undefined) !== (s.ANGELOS_EMAIL_FROM === undefined))
    problems.push('✖ Give ANGELOS_SMTP_URL and ANGELOS_EMAIL_FROM both, or neither')
  const s3 = Object.entries(s).filter(([name, value]) => name.startsWith('ANGELOS_S3_') && value)
  if (s3.length > 0 && !s.ANGELOS_S3_BUCKET)
    problems.push(`✖ ${s3.map(([name]) => name).join(', ')} mean nothing without ANGELOS_S3_BUCKET`)
  problems.push(...halfStripe(s), ...idleSettings(s))
  if (s.ANGELOS_PLC_URL && isIP(new URL(s.ANGELOS_PLC_URL).hostname.replace(/^\[|\]$/g, '')))
    problems.push('✖ ANGELOS_PLC_URL needs a name, not an address: say localhost for this machine')
  if (s.ANGELOS_NAME !== undefined && s.ANGELOS_HOSTNAME !== 'localhost')
    problems.push('✖ ANGELOS_NAME is for development; handles end in the hostname otherwise')
  return problems
}

function halfStripe(s: Settings): string[] {
  const names = ['ANGELOS_STRIPE_SECRET_KEY', 'ANGELOS_STRIPE_WEBHOOK_SECRET'] as const
  const given = names.map((name) => [s[name], s[`${name}_FILE`]].filter(Boolean).length)
  if (given.some((count) => count > 1))
    return ['✖ Give a secret of ANGELOS_STRIPE_ itself or its file, not both']
  if (given[0] !== given[1]) return [`✖ Give ${names.join(' and ')} both, or neither`]
  return []
}

/** Settings of parts that a node which only validates does not have. */
function idleSettings(s: Settings): string[] {
  if (s.ANGELOS_ROLE !== 'validator') return []
  const lists = ['ANGELOS_UPSTREAMS', 'ANGELOS_RELAYS'] as const
  const idle: string[] = lists.filter((name) => s[name].length > 0)
  const { ANGELOS_TOKEN_PROVIDER_KEY_FILE: key, ANGELOS_INVITE_REQUIRED: invites } = s
  if (key !== undefined) idle.push('ANGELOS_TOKEN_PROVIDER_KEY_FILE')
  if (invites === false) idle.push('ANGELOS_INVITE_REQUIRED=false')
  return idle.length === 0 ? [] : [`✖ A node that only validates has no use for ${idle.join(', ')}`]
}

function derive(s: Settings): Config {
  const development = s.ANGELOS_HOSTNAME === 'localhost'
  const validatesOnly = s.ANGELOS_ROLE === 'validator'
  const name = s.ANGELOS_NAME ?? (s.ANGELOS_PORT === 2583 ? 'angel' : `angel-${s.ANGELOS_PORT}`)
  const anyHost = s.ANGELOS_HOST === '0.0.0.0'
  return {
    ...s,
    ANGELOS_ADMIN_PORT: s.ANGELOS_ADMIN_PORT ?? (s.ANGELOS_PORT === 2583 ? 2584 : 0),
    ANGELOS_INVITE_REQUIRED: s.ANGELOS_INVITE_REQUIRED ?? (validatesOnly || !development),
    ANGELOS_RATE_LIMITS: s.ANGELOS_RATE_LIMITS ?? !development,
    ANGELOS_CRAWLERS: s.ANGELOS_CRAWLERS ?? (development ? [] : ['https://bsky.network']),
    development,
    validatesOnly,
    localUrl: `http://${anyHost ? '127.0.0.1' : s.ANGELOS_HOST}:${s.ANGELOS_PORT}`,
    publicUrl: development ? `http://localhost:${s.ANGELOS_PORT}` : `https://${s.ANGELOS_HOSTNAME}`,
    handleDomain: development ? `.${name}.test` : `.${s.ANGELOS_HOSTNAME}`,
  }
}

/** The text of node.env.example. A test keeps the file equal to this. */
export function envExample(): string {
  const lines = Object.entries(settings.shape).map(([name, field]) => {
    const preset = field.safeParse(undefined)
    const value = preset.success && preset.data !== undefined ? String(preset.data) : ''
    return `# ${field.description}\n#${name}=${value}\n`
  })
  const title = '# Settings of an Angel OS node. Remove the # before those you change.'
  return `${title}\n\n${lines.join('\n')}`
}
