import {
  InvalidRequestError,
  NotEnoughResourcesError,
  UpstreamFailureError,
} from '@atproto/xrpc-server'
import { OutboundError } from '../../../outbound/outbound-error.ts'
import { co } from '../../../lexicons/index.ts'
import { Busy } from '../../images/gate.ts'
import { type Image, type Images, type Wanted, isCropped } from '../../images/images.ts'
import { ImageRefused } from '../../images/refused.ts'
import type { FocalPoint } from '../../images/rendition.ts'
import { SIZES, isSizeName } from '../../images/sizes.ts'
import { notFound } from '../../not-found.ts'
import { type Mount } from '../../serve.ts'
import type { Sql } from '../../sql.ts'

export type ImageDeps = {
  readonly images: Images
  /** Whether this node shows what the account wrote. */
  readonly isShown: (did: string) => Promise<boolean>
  /** What the account wants to be seen of this image when it is cropped. */
  readonly focalPoint: (did: string, cid: string) => Promise<FocalPoint | undefined>
}

/** `content.getImage`: an image of an account known and shown here, in the size asked for. */
export function getImage({ server }: Mount, { images, isShown, focalPoint }: ImageDeps): void {
  server.add(co.kendev.content.getImage, async ({ params }) => {
    const { did, cid } = params
    const size = sizeOf(params.size)
    if (!(await isShown(did))) throw notFound(`account ${did}`)
    const point = isCropped(size) ? await focalPoint(did, cid) : undefined
    const image = await load(images, { did, cid, size, focalPoint: point })
    if (!image) throw notFound(`image ${cid}`)
    return {
      encoding: image.mimeType as `image/${string}`,
      body: image.bytes,
      headers: headersOf(image, cid, size),
    }
  })
}

function sizeOf(name = 'large'): Wanted['size'] {
  if (name === 'original' || isSizeName(name)) return name
  const names = [...Object.keys(SIZES), 'original'].join(', ')
  throw new InvalidRequestError(`There is no size ${name}. There are ${names}.`)
}

/** Answers both questions of `ImageDeps` from the views. */
export function imageFacts(sql: Sql): Pick<ImageDeps, 'isShown' | 'focalPoint'> {
  return {
    async isShown(did) {
      const { rows } = await sql.query({ name: 'is shown', text: IS_SHOWN }, [did])
      return rows.length > 0
    },
    async focalPoint(did, cid) {
      const { rows } = await sql.query<{ point: FocalPoint }>(
        { name: 'focal point', text: FOCAL_POINT },
        [did, cid],
      )
      return rows[0]?.point
    },
  }
}

const IS_SHOWN = `select 1 from appview.account
  where did = $1 and status = 'active' and "localStatus" is null`

const FOCAL_POINT = `select content->'focalPoint' as point from appview.media
  where did = $1 and file = $2 and content ? 'focalPoint' order by "createdAt" desc limit 1`

/** Turns what can go wrong into answers the lexicon and HTTP have names for. */
async function load(images: Images, wanted: Wanted): Promise<Image | undefined> {
  try {
    return await images.load(wanted)
  } catch (error) {
    if (error instanceof ImageRefused) throw new InvalidRequestError(error.message, error.reason)
    if (error instanceof Busy)
      throw new NotEnoughResourcesError('Too many images are being made. Try again in a moment.')
    if (error instanceof OutboundError)
      throw new UpstreamFailureError('The PDS of this account does not hand out the image.')
    throw error
  }
}

/** A browser must not take the bytes for anything but an image, and a blob comes as a download.
 *  A CID's bytes never change; what a crop shows may, when the focal point does. */
function headersOf({ ext }: Image, cid: string, size: Wanted['size']): Record<string, string> {
  const isFile = size === 'original'
  return {
    'x-content-type-options': 'nosniff',
    'content-security-policy': `default-src 'none'; sandbox`,
    'content-disposition': isFile ? `attachment; filename="${cid}.${ext}"` : 'inline',
    'cache-control': isCropped(size)
      ? 'public, max-age=86400'
      : 'public, max-age=31536000, immutable',
  }
}
