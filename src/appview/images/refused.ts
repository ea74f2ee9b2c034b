/** Why an image cannot be given out, by the names `co.kendev.content.getImage` declares. */
export type ImageReason = 'NotAnImage' | 'ImageTooLarge'

/** Thrown for a blob that this node does not decode, whoever asks and however often. */
export class ImageRefused extends Error {
  readonly reason: ImageReason

  constructor(reason: ImageReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ImageRefused'
    this.reason = reason
  }
}
