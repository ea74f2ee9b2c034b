/** The alpha of AT Protocol's permissioned data that this folder speaks; names change with it. */
export const SPACES_VERSION = '2026-10-01'

/** What the paths of its methods begin with. */
export const SPACE_PREFIXES = [
  '/xrpc/com.atproto.space.',
  '/xrpc/com.atproto.simplespace.',
] as const

/** The methods of repo hosts, space hosts and syncers, and of the spaces that every PDS offers. */
export const nsid = {
  applyWrites: 'com.atproto.space.applyWrites',
  createRecord: 'com.atproto.space.createRecord',
  deleteRecord: 'com.atproto.space.deleteRecord',
  getBlob: 'com.atproto.space.getBlob',
  getDelegationToken: 'com.atproto.space.getDelegationToken',
  getLatestCommit: 'com.atproto.space.getLatestCommit',
  getRecord: 'com.atproto.space.getRecord',
  getRepo: 'com.atproto.space.getRepo',
  getSpaceCredential: 'com.atproto.space.getSpaceCredential',
  listBlobs: 'com.atproto.space.listBlobs',
  listRecords: 'com.atproto.space.listRecords',
  listRepoOps: 'com.atproto.space.listRepoOps',
  listRepos: 'com.atproto.space.listRepos',
  listSpaces: 'com.atproto.space.listSpaces',
  notifyCredentialRevoked: 'com.atproto.space.notifyCredentialRevoked',
  notifySpaceDeleted: 'com.atproto.space.notifySpaceDeleted',
  notifyWrite: 'com.atproto.space.notifyWrite',
  putRecord: 'com.atproto.space.putRecord',
  registerNotify: 'com.atproto.space.registerNotify',
  unregisterNotify: 'com.atproto.space.unregisterNotify',
  checkUserAccess: 'com.atproto.simplespace.checkUserAccess',
  createSpace: 'com.atproto.simplespace.createSpace',
  deleteSpace: 'com.atproto.simplespace.deleteSpace',
  getSpace: 'com.atproto.simplespace.getSpace',
  listMembers: 'com.atproto.simplespace.listMembers',
  putMember: 'com.atproto.simplespace.putMember',
  removeMember: 'com.atproto.simplespace.removeMember',
  updateSpace: 'com.atproto.simplespace.updateSpace',
} as const

/** Who may read a space, or have writes tracked in it. */
export const policyType = {
  public: 'com.atproto.simplespace.defs#publicPolicy',
  memberList: 'com.atproto.simplespace.defs#memberListPolicy',
  managingApp: 'com.atproto.simplespace.defs#managingAppPolicy',
} as const

/** Through which applications a space may be read. */
export const appAccessType = {
  open: 'com.atproto.simplespace.defs#open',
  allowList: 'com.atproto.simplespace.defs#allowList',
} as const

/** The service of a DID document that a space's authority, or else its PDS, is reached by. */
export const SPACE_HOST = '#atproto_space_host'
