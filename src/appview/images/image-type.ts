import { fileTypeFromBuffer } from 'file-type'
import { ImageRefused } from './refused.ts'

/** The formats this node decodes, and whether they can hold several frames. SVG is not one: it is
 *  a document with scripts and links, which must never be rendered nor shown in place. */
const FORMATS: Readonly<Record<string, { readonly ext: string; readonly frames: boolean }>> = {
  'image/jpeg': { ext: 'jpg', frames: false },
  'image/png': { ext: 'png', frames: false },
  'image/apng': { ext: 'png', frames: false },
  'image/webp': { ext: 'webp', frames: true },
  'image/gif': { ext: 'gif', frames: true },
  'image/avif': { ext: 'avif', frames: false },
}

export type ImageType = {
  readonly mimeType: string
  readonly ext: string
  readonly frames: boolean
}

/** What kind of image the bytes are, whatever anybody claims. Throws `NotAnImage`. */
export async function imageType(bytes: Uint8Array): Promise<ImageType> {
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined)
  const format = found && Object.hasOwn(FORMATS, found.mime) ? FORMATS[found.mime] : undefined
  if (found && format) return { mimeType: found.mime, ...format }
  const what = found ? `a file of type ${found.mime}` : 'a file of unknown type'
  throw new ImageRefused('NotAnImage', `This blob is ${what}, not an image to decode.`)
}
