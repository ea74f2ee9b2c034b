import { InvalidRequestError } from '@atproto/xrpc-server'
import { refused } from './answers.ts'
import { appAccessType, policyType } from '../wire.ts'

/** Who may read a space or have writes tracked in it; `managingApp` decides where it is named. */
export type Policy = { $type: string; managingApp?: string }

/** Through which applications; only `#open` is enforced here, so only that is stored. */
export type AppAccess = { $type: string }

const SERVICE_ID = /^did:[a-z]+:[A-Za-z0-9._:%-]{1,2048}(#[A-Za-z0-9_.-]{1,64})?$/

/** A policy as a client sent it. `UnsupportedPolicy` for a kind that this host does not know, which
 *  it must not store, since it could not enforce it. */
export function policyOf(value: unknown): Policy {
  const { $type, managingApp } = (value ?? {}) as Partial<Policy>
  if ($type === policyType.public || $type === policyType.memberList) return { $type }
  if ($type !== policyType.managingApp) throw refused('UnsupportedPolicy')
  if (typeof managingApp !== 'string' || !SERVICE_ID.test(managingApp))
    throw new InvalidRequestError('managingApp must be a DID with an optional #fragment.')
  return { $type, managingApp }
}

/** The access of applications as a client sent it, likewise `UnsupportedAppAccess`. */
export function appAccessOf(value: unknown): AppAccess {
  const { $type } = (value ?? {}) as Partial<AppAccess>
  if ($type !== appAccessType.open) throw refused('UnsupportedAppAccess')
  return { $type }
}
