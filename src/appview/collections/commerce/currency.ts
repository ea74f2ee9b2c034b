const CODES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** Whether this is an ISO 4217 code in upper case, of today or of before (`domain.md` R-06). */
export function isCurrency(code: string): boolean {
  return CODES.has(code)
}
