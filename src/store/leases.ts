/**
 * Which blobs are in use just now: *held* while an upload puts one there, or a manifest that names it is being stored.
 * Whoever takes a blob or a link away does so through {@link Leases.remove}, which leaves held ones alone, and whoever
 * leases one that is being removed waits until it is gone before he looks whether it is there. All digests are the sha256
 * digests under which the bytes lie.
 *
 * A client that has pushed, mounted or asked for a blob may be about to push a manifest that names it. That is a *renewal*:
 * noted as a use (`store/uses`), which a collector leaves some hours, and which saves a blob that was to be evicted.
 */
import type { Digest } from '../protocol/digest.ts'

/** The leases of one process. */
export class Leases {
  readonly #onRenew: (digest: Digest) => void
  readonly #held = new Map<Digest, number>()
  readonly #removing = new Map<Digest, Promise<void>>()

  #ready: Promise<unknown> | undefined

  /** @param onRenew told of every renewal, before anything else happens */
  constructor(onRenew: (digest: Digest) => void = () => {}) {
    this.#onRenew = onRenew
  }

  /** Gives no lease before `ready` resolves: other processes on the volume can see this one then. */
  waitFor(ready: Promise<void>): void {
    this.#ready = ready
  }

  /** A client may be about to name a blob. Whether it is there is to be looked at afterwards. */
  async renew(digest: Digest): Promise<void> {
    this.#onRenew(digest)
    await this.#ready
    await this.#removing.get(digest)
  }

  /**
   * Holds blobs while `work` is under way, which looks whether they are there. It is a renewal of them all: when it begins,
   * and when it ends, since whoever looked through the store meanwhile may have seen bytes that nobody had a link to yet.
   */
  async during<T>(digests: readonly Digest[], work: () => Promise<T>): Promise<T> {
    for (const digest of digests) this.#onRenew(digest)
    for (const digest of digests) this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1)
    try {
      await this.#ready
      await Promise.all(digests.map((digest) => this.#removing.get(digest)))
      return await work()
    } finally {
      for (const digest of digests) this.#onRenew(digest)
      for (const digest of digests) this.#release(digest)
    }
  }

  /**
   * Runs `work`, which removes a blob or a link to it, unless the blob is held.
   * @returns what `work` gave, or `undefined` where it did not run
   */
  async remove<T>(digest: Digest, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#held.has(digest) || this.#removing.has(digest)) return undefined
    const removing = work()
    // Whoever waits for the end wants to know no more than that it has come.
    this.#removing.set(
      digest,
      removing.then(
        () => {},
        () => {},
      ),
    )
    try {
      return await removing
    } finally {
      this.#removing.delete(digest)
    }
  }

  #release(digest: Digest): void {
    const holders = (this.#held.get(digest) ?? 1) - 1
    if (holders === 0) this.#held.delete(digest)
    else this.#held.set(digest, holders)
  }
}
