/** What is done about stored bytes that are not what they were, as far as whoever reads them has to do with it. */
import type { Digest } from '../protocol/digest.ts'
import type { Mirrored } from '../repository.ts'

/** See `keep/suspects`. Digests are those under which bytes lie. */
export interface Mending {
  /** Looks at a blob now, and repairs it where it is wrong. @returns whether its bytes are known to be right */
  isRight(stored: Digest): Promise<boolean>
  /** A client was given all of a stored blob, which nobody verified: one that comes for it again may have got it wrong. */
  noteGiven(digest: Digest, client: string): void
  /** A mirrored repository whose upstream has what a local one has lost. */
  findElsewhere(stored: Digest): Promise<Mirrored | undefined>
}
