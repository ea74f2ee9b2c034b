/** Whether a key is that of a part of the order with this uri: the order's own key, a dot and a
 *  number. So all parts of an order stand together and are read at once. */
export function isPartOf(rkey: string, order: string): boolean {
  const key = order.split('/').at(-1) ?? ''
  return rkey.startsWith(`${key}.`) && /^[1-9][0-9]{0,5}$/.test(rkey.slice(key.length + 1))
}
