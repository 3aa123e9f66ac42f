/** Whether stored bytes are still what their digest says. */
import { algorithmOf, createDigester, type Digest, finishDigest } from '../protocol/digest.ts'
import { type StorageDriver, StorageError, type StoredFile, type StoredStat } from './driver.ts'
import { blobKey } from './paths.ts'

/** Bytes that are read and hashed at a time: a fraction of a millisecond. */
const PIECE_BYTES = 256 * 1024

/** What was found. `seen` is what was known of the bytes, so that they are not mistaken for others that come later. */
export type Examined =
  | { readonly kind: 'right'; readonly sizeBytes: number }
  | { readonly kind: 'gone' }
  | { readonly kind: 'wrong' | 'unreadable'; readonly seen: StoredStat; readonly problem: string }

/** How to read. */
export interface ExamineOptions {
  /** Where the bytes lie, if not where a blob does. */
  readonly key?: string
  /** Awaited after every so many bytes. */
  readonly pace?: (bytes: number) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads all bytes of a blob, in small pieces.
 * @param digest the sha256 digest under which they lie
 * @throws StorageError for a failure that says nothing of these bytes, the signal's reason
 */
export const examineBlob = async (
  driver: StorageDriver,
  digest: Digest,
  options: ExamineOptions = {},
): Promise<Examined> => {
  const { key = blobKey(digest) } = options
  const seen = await driver.stat(key)
  if (seen === undefined) return { kind: 'gone' }
  try {
    const file = await driver.open(key)
    if (file === undefined) return { kind: 'gone' }
    const found = await hashFile(file, digest, options)
    if (found === digest) return { kind: 'right', sizeBytes: file.sizeBytes }
    return { kind: 'wrong', seen, problem: `${file.sizeBytes} bytes that hash to ${found}` }
  } catch (error) {
    if (!(error instanceof StorageError) || error.kind !== 'damaged') throw error
    return { kind: 'unreadable', seen, problem: error.message }
  }
}

/** Hashes a file, and closes it. */
const hashFile = async (
  file: StoredFile,
  digest: Digest,
  { pace, signal }: ExamineOptions,
): Promise<Digest> => {
  const hash = createDigester(algorithmOf(digest))
  const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, file.sizeBytes))
  try {
    for (let position = 0; position < file.sizeBytes; ) {
      signal?.throwIfAborted()
      const length = await file.read(piece, position, Math.min(piece.length, file.sizeBytes - position))
      if (length === 0) break
      hash.update(piece.subarray(0, length))
      position += length
      await pace?.(length)
    }
  } finally {
    await file.close()
  }
  return finishDigest(algorithmOf(digest), hash)
}
