/**
 * Which blobs are in use just now, or will be in a moment: one that an upload has just put there, that a client has asked
 * for before it pushes a manifest, or that a manifest being stored is about to name. A collector removes through
 * {@link Leases.remove}, which takes none of them, and whoever leases a blob that is being removed waits until it is gone
 * before he looks whether it is there. All digests are the sha256 digests under which the bytes lie.
 */
import { Memory } from '../memory.ts'
import type { Digest } from '../protocol/digest.ts'

/** How long a blob stays leased after it was pushed, mounted or asked for, in milliseconds: a slow push of an image. */
const LEASE_MS = 6 * 60 * 60 * 1000
/** Most blobs leased by time at once; the least recently renewed go first. */
const MAX_LEASES = 500_000

/** The leases of one process. */
export class Leases {
  readonly #held = new Map<Digest, number>()
  readonly #removing = new Map<Digest, Promise<void>>()
  readonly #timed: Memory<Digest, true>

  /** @param now milliseconds, for the age of leases; a test passes its own clock */
  constructor(now: () => number = () => performance.now()) {
    this.#timed = new Memory(MAX_LEASES, { ttl: LEASE_MS, ttlResolution: 0, perf: { now } })
  }

  /** Leases a blob for some hours from now. Whether it is there is to be looked at afterwards. */
  async renew(digest: Digest): Promise<void> {
    this.#timed.set(digest, true)
    await this.#removing.get(digest)
  }

  /** Leases blobs while `work` is under way, which looks whether they are there. */
  async during<T>(digests: readonly Digest[], work: () => Promise<T>): Promise<T> {
    for (const digest of digests) this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1)
    try {
      await Promise.all(digests.map((digest) => this.#removing.get(digest)))
      return await work()
    } finally {
      for (const digest of digests) this.#release(digest)
    }
  }

  /** Runs `work`, which removes a blob, unless it is leased. @returns whether it ran */
  async remove(digest: Digest, work: () => Promise<void>): Promise<boolean> {
    if (this.#held.has(digest) || this.#timed.has(digest) || this.#removing.has(digest)) return false
    const removing = work()
    // Whoever waits for the end wants to know no more than that it has come.
    this.#removing.set(
      digest,
      removing.catch(() => {}),
    )
    try {
      await removing
      return true
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
