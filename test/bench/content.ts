/**
 * Bytes of the benchmark: cheap to send in any amount, since the processors are shared with what is measured. A blob is a
 * block of noise repeated, with its own name at the very beginning, so that each has another digest.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Digest } from '../../src/protocol/digest.ts'
import { type Content, seededBytes } from '../support/bytes.ts'

const BLOCK_BYTES = 1024 * 1024

const NOISE = seededBytes(BLOCK_BYTES, 'noise')

/** What a blob is made of: enough to make it again in another process. */
export interface Recipe {
  readonly seed: string
  readonly sizeBytes: number
}

/** A blob of the benchmark. */
export interface Blob extends Content, Recipe {}

/** The bytes from `position` on, as a view of memory that must not be written to. */
export type ReadBlock = (position: number, length: number) => Buffer

/** Reads the bytes of a recipe: at least one at a time, at most what is left of a block. */
export const blockReader = ({ seed, sizeBytes }: Recipe): ReadBlock => {
  const first = Buffer.from(NOISE.subarray(0, sizeBytes))
  first.write(`${seed}\n`)
  return (position, length) => {
    const offset = position % BLOCK_BYTES
    const end = Math.min(offset + length, BLOCK_BYTES, offset + sizeBytes - position)
    return (position < BLOCK_BYTES ? first : NOISE).subarray(offset, end)
  }
}

function* blocks(recipe: Recipe, first: number, last: number): Generator<Buffer> {
  const read = blockReader(recipe)
  for (let at = first; at <= last; ) {
    const block = read(at, last + 1 - at)
    yield block
    at += block.length
  }
}

/** A blob as `recipe` says, with its digest. */
export const makeBlob = (recipe: Recipe): Blob => {
  const hash = createHash('sha256')
  for (const block of blocks(recipe, 0, recipe.sizeBytes - 1)) hash.update(block)
  return {
    ...recipe,
    digest: `sha256:${hash.digest('hex')}` as Digest,
    stream: (first, last) => Readable.from(blocks(recipe, first, last), { objectMode: false }),
  }
}

/** All bytes of a small blob. */
export const readBlob = (recipe: Recipe): Buffer =>
  Buffer.concat([...blocks(recipe, 0, recipe.sizeBytes - 1)])

/** Writes a blob to a file. */
export const writeBlob = async (path: string, recipe: Recipe): Promise<void> => {
  const file = await open(path, 'wx')
  try {
    for (const block of blocks(recipe, 0, recipe.sizeBytes - 1)) await file.write(block)
  } finally {
    await file.close()
  }
}
