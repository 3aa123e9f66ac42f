/** What sends a blob is given, wherever its bytes come from. */
import type { Answer } from '../observe/read-meter.ts'
import type { Digest } from '../protocol/digest.ts'

/** A blob opened for one client: a stored one and a growing one alike. */
export interface OpenBlob {
  readonly digest: Digest
  /** `undefined`: nobody knows; the end is told by a read of 0 bytes. */
  readonly sizeBytes: number | undefined
  /** All of it, where it is in memory anyway. */
  readonly bytes?: Buffer
  /** Up to `length` bytes at `position`, in order; waits for at least one; 0 at the end. */
  read(buffer: Uint8Array, position: number, length: number): Promise<number>
  close(): Promise<void>
}

/** An opened blob and how it was found. */
export interface PulledBlob {
  readonly blob: OpenBlob
  readonly answer: Answer
  /** A part that begins far ahead of what has been fetched, from elsewhere; `undefined`: read `blob`. */
  readonly openAhead: (first: number, last: number) => OpenBlob | undefined
}
