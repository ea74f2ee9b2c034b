/** Whether this is a name of the IANA time zone database, such as Europe/Berlin. Offsets are none.
 *  */
export function isTimeZone(name: string): boolean {
  if (!name.includes('/') && name !== 'UTC') return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
