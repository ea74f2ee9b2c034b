import sharp from 'sharp'
import type { ImageCache } from './cache.ts'
import type { Blobs } from './fetch-blob.ts'
import { createGate } from './gate.ts'
import { imageType } from './image-type.ts'
import { type FocalPoint, makeRendition } from './rendition.ts'
import { SIZES, type SizeName, type Target } from './sizes.ts'

export type Wanted = {
  readonly did: string
  readonly cid: string
  readonly size: SizeName | 'original'
  readonly focalPoint?: FocalPoint
}

export type Image = { readonly bytes: Uint8Array; readonly mimeType: string; readonly ext: string }

export type Images = {
  /** The image in this size; undefined when its account's PDS does not have it. Throws
   *  `ImageRefused`, `OutboundError`, and `Busy` when too many wait. */
  load(wanted: Wanted): Promise<Image | undefined>
}

class Missing extends Error {
  override readonly name = 'Missing'
}

/** Images in all their sizes, each made once and then kept. Two are decoded at a time, so that
 *  memory holds at most eight blobs and two decoded images of 200 MB. */
export function createImages({ blobs, cache }: { blobs: Blobs; cache: ImageCache }): Images {
  sharp.concurrency(1)
  sharp.cache(false)
  const loading = createGate({ running: 8, waiting: 64 })
  const decoding = createGate({ running: 2, waiting: 8 })

  // A blob waits for its decoding inside its place among those loading, so at most eight are in
  // memory.
  const make = (wanted: Wanted): Promise<Uint8Array> =>
    loading(async () => {
      const { did, cid, size, focalPoint } = wanted
      const blob = await blobs.loadBlob(did, cid)
      if (!blob) throw new Missing(cid)
      if (size !== 'original')
        return (await decoding(() => makeRendition(blob, size, focalPoint))).bytes
      await imageType(blob)
      return blob
    })

  return {
    async load(wanted) {
      try {
        const bytes = await cache.get(keyOf(wanted), () => make(wanted))
        const { mimeType, ext } = await imageType(bytes)
        return { bytes, mimeType, ext }
      } catch (error) {
        if (error instanceof Missing) return undefined
        throw error
      }
    },
  }
}

/** The account is part of the key: a blob must not be had through an account that lacks it. */
function keyOf({ did, cid, size, focalPoint }: Wanted): string {
  const point = focalPoint && isCropped(size) ? `${focalPoint.x} ${focalPoint.y}` : ''
  return [did, cid, size, point].join(' ')
}

/** Whether this size shows a part of the image only. */
export function isCropped(size: Wanted['size']): boolean {
  const target: Target | undefined = size === 'original' ? undefined : SIZES[size]
  return target?.height !== undefined
}
