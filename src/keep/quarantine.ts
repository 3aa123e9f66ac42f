/**
 * What was put aside since its bytes were wrong. It is kept for whoever wants to look at it, until it is of no use: others have
 * come in its place, or no repository has it any more. What can be read rightly again is put back.
 */
import type { Metrics } from '../observe/metrics.ts'
import { type Digest, encodedOf } from '../protocol/digest.ts'
import type { BlobStore } from '../store/blobs.ts'
import { examineBlob } from '../store/examine.ts'
import type { Owner } from '../store/owner.ts'
import { blobKey, QUARANTINE_PREFIX, quarantineFolder } from '../store/paths.ts'
import { digestsOfHexes, findHolders, type HolderParts } from './holders.ts'

/** Digests that a message names. */
const MAX_NAMED = 3
/** How often it is looked at, in milliseconds. */
const CHECK_EVERY_MS = 60_000

/** What it is looked after with. */
export interface QuarantineOptions extends HolderParts {
  readonly blobs: BlobStore
  readonly owner: Pick<Owner, 'isAlone'>
  readonly metrics: Metrics
}

/** Looks after it. */
export class Quarantine {
  /** As a health check: what is put aside is unwell, and stands in nobody's way. */
  readonly check = {
    name: 'quarantine',
    intervalMs: CHECK_EVERY_MS,
    threshold: 1,
    run: (): Promise<void> => this.#report(),
  }
  readonly #options: QuarantineOptions

  constructor(options: QuarantineOptions) {
    this.#options = options
  }

  /** What is put aside and has not been replaced. @throws StorageError */
  async list(): Promise<Digest[]> {
    const { driver, metrics } = this.#options
    const missing: Digest[] = []
    for (const digest of digestsOfHexes(await driver.list(QUARANTINE_PREFIX)))
      if ((await driver.stat(blobKey(digest))) === undefined) missing.push(digest)
    metrics.quarantinedBlobs.set(missing.length)
    return missing
  }

  /** Puts back what is right after all, and removes what is of no use any more. @throws StorageError, the signal's reason */
  async tend(signal?: AbortSignal): Promise<void> {
    const { driver, blobs, owner } = this.#options
    for (const digest of digestsOfHexes(await driver.list(QUARANTINE_PREFIX))) {
      signal?.throwIfAborted()
      if (!(await owner.isAlone())) return
      if (await this.#isOfNoUse(digest, signal)) await driver.removeLazily(quarantineFolder(digest))
      else if (await this.#isRight(digest, signal)) await blobs.readmit(digest)
    }
    await this.list()
  }

  async #isOfNoUse(digest: Digest, signal: AbortSignal | undefined): Promise<boolean> {
    const { driver } = this.#options
    if ((await driver.stat(blobKey(digest))) !== undefined) return true
    const { local, mirrored } = await findHolders(this.#options, digest, signal)
    return local.length + mirrored.length === 0
  }

  async #isRight(digest: Digest, signal: AbortSignal | undefined): Promise<boolean> {
    const key = `${quarantineFolder(digest)}/data`
    return (await examineBlob(this.#options.driver, digest, { key, signal })).kind === 'right'
  }

  async #report(): Promise<void> {
    const missing = await this.list()
    if (missing.length === 0) return
    const named = missing.slice(0, MAX_NAMED).map((digest) => encodedOf(digest).slice(0, 12))
    const more = missing.length > MAX_NAMED ? ', …' : ''
    throw new Error(
      `${missing.length} pushed ${missing.length === 1 ? 'blob' : 'blobs'} rotted and lie under entrepot/quarantine (${named.join(', ')}${more}): push the image again, or restore from a backup`,
    )
  }
}
