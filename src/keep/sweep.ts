/** What processes that were killed leave behind: files in the making, blobs half removed, partial files, marks. */
import type { Partials } from '../fetch/partials.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { StorageDriver } from '../store/driver.ts'
import type { Owner } from '../store/owner.ts'

/** Age at which a file in the making is nobody's any more, in milliseconds: the longest of them takes seconds. */
const TEMPORARY_MS = 60 * 60 * 1000

/** What is swept. */
export interface SweepParts {
  readonly driver: StorageDriver
  readonly blobs: BlobStore
  readonly partials: Pick<Partials, 'sweep'>
  readonly owner: Pick<Owner, 'isAlone' | 'sweep'>
}

/** Sweeps once; each thing when it is certain that nobody is at it. @throws StorageError */
export const sweepLeftovers = async ({ driver, blobs, partials, owner }: SweepParts): Promise<void> => {
  // Files have the machine's times, whatever clock the rest goes by.
  const nowMs = Date.now()
  await partials.sweep(nowMs)
  await driver.sweep(nowMs - TEMPORARY_MS)
  await owner.sweep()
  if (await owner.isAlone()) await blobs.restore()
}
