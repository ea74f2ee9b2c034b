import { expect, test } from 'vitest'
import { renditionSize, smallerSizes } from './sizes.ts'

test('a rendition keeps the proportions and is never larger than the image', () => {
  expect(renditionSize({ width: 4000, height: 3000 }, 'large')).toEqual({
    width: 1400,
    height: 1050,
  })
  expect(renditionSize({ width: 200, height: 100 }, 'large')).toEqual({ width: 200, height: 100 })
  expect(renditionSize({ width: 5000, height: 1 }, 'small')).toEqual({ width: 600, height: 1 })
})

test('a crop keeps its shape when the image is too small for it', () => {
  expect(renditionSize({ width: 4000, height: 3000 }, 'og')).toEqual({ width: 1200, height: 630 })
  expect(renditionSize({ width: 300, height: 100 }, 'square')).toEqual({ width: 100, height: 100 })
})

test('only renditions that are smaller than the image are named', () => {
  const names = smallerSizes({ width: 1000, height: 800 }).map(({ name }) => name)
  expect(names).toEqual(['thumbnail', 'square', 'small', 'medium'])
  expect(smallerSizes({ width: 100, height: 100 })).toEqual([])
})
