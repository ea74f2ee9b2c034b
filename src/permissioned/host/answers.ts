import { AuthRequiredError, ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'

const SAYS = {
  SpaceNotFound: 'There is no such space here. Check its reference and ask its authority’s host.',
  SpaceDeleted: 'The authority has deleted this space. Drop every copy of it.',
  SpaceAlreadyExists: 'There is a space with this type and key. Choose another key.',
  RepoNotFound: 'There is no such repo in this space for you. Ask the repo’s own host.',
  RepoTakendown: 'The account of this repo has been taken down.',
  RepoSuspended: 'The account of this repo is suspended.',
  RepoDeactivated: 'The account of this repo is deactivated. Ask again once it is active.',
  RecordNotFound: 'There is no such record in this repo.',
  BlobNotFound: 'No record of this repo in this space refers to such a blob.',
  UnsupportedPolicy: 'This host knows public, member list and managing app policies only.',
  UnsupportedAppAccess: 'This host can enforce open access only. Create the space with #open.',
  InvalidDelegationToken: 'The delegation token does not hold. Get a new one from the user’s PDS.',
  InvalidClientAttestation: 'The client attestation does not hold.',
  ServiceNotResolvable: 'The service’s DID document names no such service that can be reached.',
  FutureRev: 'The revision lies more than five minutes ahead. Set the clock of the repo’s host.',
} as const

const FORBIDDEN = {
  NotSpaceOwner: 'Only the authority of the space may do this. Call with its account.',
  UserNotAuthorized: 'The space does not admit this account. Ask its authority to be admitted.',
  AppNotAuthorized: 'The space does not admit this application.',
  NotAuthorized: 'The space could not find out whether it admits this account. Try again later.',
  AppPasswordRefused: 'Log in with the account’s own password or through OAuth instead.',
  SpaceGrantMissing:
    'This OAuth client has no leave for this space. Have the account store a grant for it.',
} as const

const UNAUTHORIZED = {
  AuthMissing: 'This method needs a session of the account or a space credential.',
  BadSpaceCredential: 'The space credential does not hold. Get a new one from the authority.',
  BadSpaceSignature: 'The request is not signed as the credential asks, or not by its key.',
  BadSpaceAudience: 'Atproto-Space-Audience must name the repo, or else the authority, once.',
  BadJwtCnf: 'The credential names no P-256 key in cnf.kid.',
  CredentialRevoked: 'The credential has been revoked. Get a new one, if you still may.',
  CredentialForAnotherSpace: 'The credential is for another space.',
  BadJwtIssuer: 'The token is not by the account that this is about.',
  BadJwtAudience: 'The token is for another service. Ask for one with the right audience.',
  JwtReplayed: 'The token has been used. Ask for a new one for every request.',
} as const

/** The error of a name that the lexicon declares: the request cannot be answered as it is. */
export function refused(name: keyof typeof SAYS): InvalidRequestError {
  return new InvalidRequestError(SAYS[name], name)
}

/** The error of a name: who asks is known, and may not. */
export function forbidden(name: keyof typeof FORBIDDEN): ForbiddenError {
  return new ForbiddenError(FORBIDDEN[name], name)
}

/** The error of a name: the credentials do not hold. */
export function unauthorized(name: keyof typeof UNAUTHORIZED, detail = ''): AuthRequiredError {
  return new AuthRequiredError(
    detail ? `${UNAUTHORIZED[name]} (${detail})` : UNAUTHORIZED[name],
    name,
  )
}
