/**
 * Deterministic bytes for tests, of any size and without holding them: the key stream of AES in counter mode, which
 * never repeats (so a wrong offset is a wrong byte) and can be read from any offset.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'

const AES_BLOCK_BYTES = 16
const CHUNK_BYTES = 256 * 1024

/** Bytes that a test's server can send any part of. */
export interface Content {
  readonly digest: Digest
  readonly sizeBytes: number
  /** The bytes from `first` to `last`, both inclusive; nothing where `last` is before `first`. */
  stream(first: number, last: number): Readable
}

const seededSlice = (seed: string, start: number, length: number): Buffer => {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  const counter = Buffer.alloc(AES_BLOCK_BYTES)
  counter.writeBigUInt64BE(BigInt(Math.floor(start / AES_BLOCK_BYTES)), 8)
  const skipped = start % AES_BLOCK_BYTES
  const bytes = createCipheriv('aes-128-ctr', key, counter).update(Buffer.alloc(skipped + length))
  return bytes.subarray(skipped)
}

function* seededChunks(seed: string, first: number, last: number): Generator<Buffer> {
  for (let at = first; at <= last; at += CHUNK_BYTES)
    yield seededSlice(seed, at, Math.min(CHUNK_BYTES, last + 1 - at))
}

/** `sizeBytes` bytes that look random and are the same for the same `seed`. */
export const seededBytes = (sizeBytes: number, seed = 'seed'): Buffer => seededSlice(seed, 0, sizeBytes)

/** The same bytes as {@link seededBytes}, made while they are sent: for blobs that do not fit in memory. */
export const seededContent = (sizeBytes: number, seed = 'seed'): Content => {
  const hash = createHash('sha256')
  for (const chunk of seededChunks(seed, 0, sizeBytes - 1)) hash.update(chunk)
  return {
    digest: `sha256:${hash.digest('hex')}` as Digest,
    sizeBytes,
    stream: (first, last) => Readable.from(seededChunks(seed, first, last), { objectMode: false }),
  }
}

/** Content of bytes in memory. */
export const bufferContent = (bytes: Buffer): Content => ({
  digest: digestOf(bytes),
  sizeBytes: bytes.length,
  stream: (first, last) => {
    const part = bytes.subarray(first, last + 1)
    return Readable.from(part.length === 0 ? [] : [part], { objectMode: false })
  },
})
