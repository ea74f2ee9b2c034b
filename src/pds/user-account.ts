/** Where to make an account for a person, and what it is to be. */
export type NewUserAccount = {
  /** The node's own address, for example http://127.0.0.1:2583. */
  origin: string
  handle: string
  email: string
  password: string
  adminPassword: string
}

const TIMEOUT_MS = 30_000

/**
 * Makes a person's account through the PDS's own methods, as a client would; where invitations are
 * required the operator's password makes one. Throws an Error with the PDS's reason.
 */
export async function createUserAccount(
  account: NewUserAccount,
): Promise<{ did: string; handle: string }> {
  const { origin, handle, email, password } = account
  const server = await call(origin, 'com.atproto.server.describeServer')
  const inviteCode = server.inviteCodeRequired === true ? await createInvite(account) : undefined
  const body = { handle, email, password, inviteCode }
  const made = await call(origin, 'com.atproto.server.createAccount', { body })
  return { did: String(made.did), handle: String(made.handle) }
}

async function createInvite(account: NewUserAccount): Promise<string> {
  const admin = Buffer.from(`admin:${account.adminPassword}`).toString('base64')
  const made = await call(account.origin, 'com.atproto.server.createInviteCode', {
    body: { useCount: 1 },
    authorization: `Basic ${admin}`,
  })
  return String(made.code)
}

async function call(
  origin: string,
  method: string,
  input?: { body: object; authorization?: string },
): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (input?.authorization !== undefined) headers.authorization = input.authorization
  const response = await fetch(`${origin}/xrpc/${method}`, {
    ...(input && { method: 'POST', headers, body: JSON.stringify(input.body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const answer = (await response.json()) as Record<string, unknown>
  if (!response.ok) {
    throw new Error(`${method} answered ${response.status}: ${String(answer.message)}`)
  }
  return answer
}
