import sharp, { type Metadata, type Region, type Sharp } from 'sharp'
import { imageType } from './image-type.ts'
import { ImageRefused } from './refused.ts'
import { type Dimensions, SIZES, type SizeName, type Target, renditionSize } from './sizes.ts'

/** The point of an image that cropping keeps in sight, in thousandths from the left and the top. */
export type FocalPoint = { readonly x: number; readonly y: number }

export type Rendition = Dimensions & { readonly bytes: Uint8Array; readonly mimeType: 'image/webp' }

/** All frames together; decoded, that is 200 MB. */
const PIXELS_MAX = 50_000_000
const FRAMES_MAX = 1_000
const SECONDS_MAX = 20
const MIDDLE: FocalPoint = { x: 500, y: 500 }

/** Makes one rendition as WebP: upright, without metadata, never enlarged, animated if the image
 *  is (`domain.md` N-19). Throws `ImageRefused` for what is no image or too large to decode. */
export async function makeRendition(
  bytes: Uint8Array,
  name: SizeName,
  focalPoint: FocalPoint = MIDDLE,
): Promise<Rendition> {
  const { frames } = await imageType(bytes)
  const options = { limitInputPixels: PIXELS_MAX, failOn: 'error', animated: frames } as const
  const metadata = await decoded(sharp(bytes, options).metadata())
  const { pages = 1 } = metadata
  if (pages > FRAMES_MAX)
    throw new ImageRefused('ImageTooLarge', `${pages} frames are more than ${FRAMES_MAX}.`)
  const size = uprightSize(metadata)
  const target = renditionSize(size, name)
  const image = cropped(upright(sharp(bytes, options), metadata), SIZES[name], size, focalPoint)
  const webp = image
    .resize({ ...target, fit: 'fill' })
    .webp({ quality: 80 })
    .timeout({ seconds: SECONDS_MAX })
  const made = await decoded(webp.toBuffer())
  return { bytes: made, mimeType: 'image/webp', ...target }
}

/** What one frame measures once the camera's orientation is honoured. */
function uprightSize({ width, height, pageHeight, autoOrient, pages = 1 }: Metadata): Dimensions {
  if (pages > 1) return { width, height: pageHeight ?? height }
  return autoOrient
}

/** Frames of an animation lie below one another while they are worked on, so they cannot turn. */
function upright(image: Sharp, { pages = 1 }: Metadata): Sharp {
  return pages > 1 ? image : image.autoOrient()
}

function cropped(image: Sharp, target: Target, size: Dimensions, focalPoint: FocalPoint): Sharp {
  if (target.height === undefined) return image
  return image.extract(cropRegion(size, target.width / target.height, focalPoint))
}

/** The largest region of this shape, as near to the focal point as the edges allow. */
export function cropRegion(image: Dimensions, shape: number, { x, y }: FocalPoint): Region {
  const width = Math.min(image.width, Math.max(1, Math.round(image.height * shape)))
  const height = Math.min(image.height, Math.max(1, Math.round(image.width / shape)))
  const start = (length: number, part: number, permille: number) =>
    Math.min(length - part, Math.max(0, Math.round((length * permille) / 1000 - part / 2)))
  return {
    left: start(image.width, width, x),
    top: start(image.height, height, y),
    width,
    height,
  }
}

/** libvips says in words only what is wrong with its input. */
async function decoded<T>(result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    if (/pixel limit|timeout/i.test(message))
      throw new ImageRefused('ImageTooLarge', 'This image is too large to decode.', { cause })
    throw new ImageRefused('NotAnImage', 'This image cannot be decoded.', { cause })
  }
}
