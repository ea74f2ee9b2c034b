import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadKeys } from '../../src/pds/secrets.ts'
import { eventually } from '../eventually.ts'
import type { TestNode } from '../network.ts'
import { CallError, type Person, createPerson } from '../person.ts'

/** How a tenant is set up, as super admins see it. */
export type Provision = {
  id: string
  did: string
  status: string
  nextStates: string[]
  isProvisioned: boolean
  features: string[]
  usage: { users: number; spaces: number }
  log: { action: string; status: string; details?: string }[]
}
/** How somebody stands to a tenant. */
export type Membership = { subject: string; role: string; status: string; nextStates: string[] }
/** A page of a list. */
export type Items<T> = { items: T[]; cursor?: string }

export const PLATFORM = 'co.kendev.platform'

/** The name of what a call is refused with, or `done`. */
export async function told(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'done'
  } catch (error) {
    if (error instanceof CallError) return error.error
    throw error
  }
}

/** An account of a node. */
export function someone(
  node: Pick<TestNode, 'url' | 'handleDomain'>,
  name: string,
): Promise<Person> {
  return createPerson(node.url, `the-${name}${node.handleDomain}`)
}

/** Calls a method with the administrator's password. */
export async function asOperator(
  home: Pick<TestNode, 'url' | 'dataDir'>,
  nsid: string,
  body: object,
): Promise<Response> {
  const { adminPassword } = await loadKeys(home.dataDir)
  return fetch(`${home.url}/xrpc/${nsid}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`admin:${adminPassword}`).toString('base64')}`,
    },
    body: JSON.stringify(body),
  })
}

/** The letter that a node without a mail server has put into its folder. */
export function letterTo(home: Pick<TestNode, 'dataDir'>, address: string): Promise<string> {
  return eventually(async () => {
    const folder = join(home.dataDir, 'mail')
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), 'utf8')
      if (text.includes(`To: ${address}`)) return text
    }
    throw new Error(`no letter to ${address} yet`)
  })
}

/** The token of an invitation, which stands alone on its line. */
export function tokenIn(letter: string): string {
  return /^[\w-]{43}\r?$/m.exec(letter)![0].trim()
}

/** Invites somebody to a tenant. */
export function invite(
  by: Person,
  tenant: string,
  more: object = {},
): Promise<{ token: string; invitation: { id: string } }> {
  return by.call(`${PLATFORM}.inviteMember`, { tenant, role: 'tenant_member', ...more })
}

/** Accepts an invitation. */
export function accept(
  who: Person,
  token: string,
  options: { proxy?: string } = {},
): Promise<Membership> {
  return who.call(`${PLATFORM}.acceptInvitation`, { token }, options)
}
