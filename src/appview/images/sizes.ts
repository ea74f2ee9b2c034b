export type Dimensions = { readonly width: number; readonly height: number }

/** Width alone keeps the proportions; with a height the picture is cropped to fill both. */
export type Target = { readonly width: number; readonly height?: number }

/** The renditions of an image, in pixels (`domain.md` N-19). */
export const SIZES = {
  thumbnail: { width: 300 },
  square: { width: 500, height: 500 },
  small: { width: 600 },
  medium: { width: 900 },
  large: { width: 1400 },
  xlarge: { width: 1920 },
  og: { width: 1200, height: 630 },
} as const satisfies Record<string, Target>

export type SizeName = keyof typeof SIZES

/** Whether this node makes renditions of such a file; an SVG is a program, not a picture. */
export function hasRenditions(mimeType: string): boolean {
  return mimeType.startsWith('image/') && !mimeType.startsWith('image/svg')
}

/** Whether this is the name of a rendition. */
export function isSizeName(name: string): name is SizeName {
  return Object.hasOwn(SIZES, name)
}

/** The pixels a rendition of such an image has: never more than the image has, in either way. */
export function renditionSize(original: Dimensions, name: SizeName): Dimensions {
  const target: Target = SIZES[name]
  if (target.height === undefined) {
    const factor = Math.min(1, target.width / original.width)
    return scaled(original, factor)
  }
  const { width, height } = target
  return scaled({ width, height }, Math.min(1, original.width / width, original.height / height))
}

/** The renditions that are smaller than the image itself, smallest targets first. */
export function smallerSizes(original: Dimensions): (Dimensions & { readonly name: SizeName })[] {
  const names = Object.keys(SIZES).filter(isSizeName)
  return names
    .filter((name) => {
      const target: Target = SIZES[name]
      return target.width < original.width && (target.height ?? 0) <= original.height
    })
    .map((name) => ({ name, ...renditionSize(original, name) }))
}

function scaled({ width, height }: Dimensions, factor: number): Dimensions {
  const pixels = (length: number) => Math.max(1, Math.round(length * factor))
  return { width: pixels(width), height: pixels(height) }
}
