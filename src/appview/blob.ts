import { type BlobRef, getBlobCidString, getBlobMime, getBlobSize } from '@atproto/lex'

/** What views say of a blob. References from before 2023 carry no size; it is 0 then. */
export function blobOf(ref: BlobRef): { cid: string; mimeType: string; size: number } {
  return {
    cid: getBlobCidString(ref),
    mimeType: getBlobMime(ref),
    size: getBlobSize(ref) ?? 0,
  }
}
