/** No account of this node may read the space any more, as far as its authority says. */
export class AccessLost extends Error {
  readonly space: string
  readonly reason: string

  constructor(space: string, reason: string) {
    super(`no access to ${space}: ${reason}`)
    this.name = 'AccessLost'
    this.space = space
    this.reason = reason
  }
}
