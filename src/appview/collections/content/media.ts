import { type BlobRef, parseCid, parseCidSafe } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { blobOf } from '../../blob.ts'
import { type Look, collection, instant, list, part, text, timestamp } from '../../define.ts'
import { hasRenditions, smallerSizes } from '../../images/sizes.ts'

type Media = co.kendev.content.media.Main

/** A file with what is known about it, shown from products, posts and pages. */
export const media = collection({
  record: co.kendev.content.media,
  table: 'media',
  columns: {
    file: text(),
    mimeType: text(),
    folder: text().optional(),
    tags: list(),
    createdAt: timestamp(),
    content: part<Media>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['did', 'file'],
  ],
  people: ['did'],
  access: { places: 'public', manage: 'manage_space' },

  accept({ record }) {
    const { mimeType } = blobOf(record.file)
    if (record.mimeType !== undefined && essence(record.mimeType) !== essence(mimeType))
      return 'MimeMismatch'
    if (essence(mimeType).startsWith('image/') && !record.alt?.trim()) return 'AltMissing'
    if (record.filename !== undefined && !isFilename(record.filename)) return 'BadFilename'
    if (record.checksum !== undefined && record.checksum !== sha256Of(record.file))
      return 'ChecksumMismatch'
    return undefined
  },

  row: ({ record, claimed }) => ({
    file: blobOf(record.file).cid,
    mimeType: essence(blobOf(record.file).mimeType),
    folder: record.folder ?? null,
    tags: record.tags ?? [],
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.content.defs.MediaView => ({
    uri: row.uri,
    cid: row.cid,
    owner: row.did,
    url: look.blobUrl(row.did, row.file),
    mimeType: row.mimeType,
    size: blobOf(content.file).size,
    sizes: sizesOf(row, content, look),
    filename: content.filename,
    width: content.width,
    height: content.height,
    focalPoint: content.focalPoint,
    alt: content.alt,
    caption: content.caption,
    tags: content.tags,
    folder: row.folder ?? undefined,
    license: content.license,
    checksum: content.checksum,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.content.getMedia,
  lists: [
    {
      query: co.kendev.content.listMedia,
      newest: 'createdAt',
      where: { owner: 'did', folder: 'folder', tag: ['has', 'tags'] },
    },
  ],
  examples: {
    good: [
      { record: photo({ alt: 'The lift with a red car on it.', width: 4000, height: 3000 }) },
      {
        record: photo({
          file: blob('application/pdf'),
          filename: 'price list.pdf',
          folder: 'offers/2026',
          tags: ['prices'],
          checksum: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        }),
      },
    ],
    bad: {
      MimeMismatch: { record: photo({ alt: 'A car.', mimeType: 'application/pdf' }) },
      AltMissing: { record: photo({ alt: ' ' }) },
      BadFilename: { record: photo({ alt: 'A car.', filename: '../car.jpg' }) },
      ChecksumMismatch: { record: photo({ alt: 'A car.', checksum: '0'.repeat(64) }) },
    },
  },
})

/** A media type without its parameters (RFC 9110 §8.3.1). */
function essence(mimeType: string): string {
  return mimeType.split(';', 1)[0]!.trim().toLowerCase()
}

function isFilename(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/\\\p{Control}]/u.test(name)
}

/** The digest in the blob's CID, in hex: the CID already says what the file's SHA-256 is.
 *  References from before 2023 may carry anything as their CID. */
function sha256Of(file: BlobRef): string | undefined {
  const digest = parseCidSafe(blobOf(file).cid)?.multihash.digest
  return digest && Buffer.from(digest).toString('hex')
}

/** Renditions can be named only when the record says how large the image is. */
function sizesOf(
  row: { did: string; file: string; mimeType: string },
  { width, height }: Media,
  look: Pick<Look, 'imageUrl'>,
): co.kendev.content.defs.MediaSize[] {
  if (!width || !height || !hasRenditions(row.mimeType)) return []
  return smallerSizes({ width, height }).map((size) => ({
    ...size,
    url: look.imageUrl(row.did, row.file, size.name),
  }))
}

/** The empty file, whatever it claims to be. */
function blob(mimeType: string): BlobRef {
  const ref = parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
  return { $type: 'blob', ref, mimeType, size: 0 } as BlobRef
}

function photo(content: Partial<Media>): Omit<Media, '$type'> {
  return { file: blob('image/jpeg'), createdAt: '2026-11-23T10:00:00Z', ...content }
}
