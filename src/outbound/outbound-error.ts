/** Why a request to a place that others named has failed. */
export type OutboundReason = 'ForbiddenUrl' | 'Unreachable' | 'TooLarge' | 'NotJson'

/** `ForbiddenUrl` will never work; `Unreachable` may be tried again; the rest is a bad answer. */
export class OutboundError extends Error {
  readonly reason: OutboundReason

  constructor(reason: OutboundReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutboundError'
    this.reason = reason
  }
}
