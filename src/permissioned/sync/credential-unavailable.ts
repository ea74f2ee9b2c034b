/** No credential can be had for a space now; whether there is access is not known. */
export class CredentialUnavailable extends Error {
  constructor(space: string, detail: string, options?: ErrorOptions) {
    super(`no credential for ${space}: ${detail}`, options)
    this.name = 'CredentialUnavailable'
  }
}
