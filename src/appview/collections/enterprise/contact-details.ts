/** Whether this looks like an address for letters. */
export function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(text)
}

/** Whether this is a telephone number with its country code. */
export function isPhone(text: string): boolean {
  return /^\+[0-9][0-9 ().-]*$/.test(text)
}

/** Whether this has the form of an ISO 3166 code of two letters. */
export function isCountry(code: string): boolean {
  return /^[A-Z]{2}$/.test(code)
}
