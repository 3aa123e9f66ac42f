/**
 * Memory for sending. Large buffers are fastest, but two of them a transfer must not add up: the more transfers, the
 * smaller each one's buffers, and what is given back is kept for the next.
 */

/** Up to how many transfers a size is used, in bytes: all buffers together come to 16 MiB at most, 64 MiB for thousands. */
const SIZES = [
  { upTo: 8, bytes: 1024 * 1024 },
  { upTo: 16, bytes: 512 * 1024 },
  { upTo: 48, bytes: 256 * 1024 },
  { upTo: 128, bytes: 64 * 1024 },
  { upTo: 512, bytes: 32 * 1024 },
  { upTo: Number.POSITIVE_INFINITY, bytes: 16 * 1024 },
] as const

/** Among more transfers than this another one reads while one is being written: one buffer each is enough. */
const UNCROWDED = 24

/** Most free buffers kept of each size. */
const MAX_FREE = 16

/** Buffers shared by all transfers of a server. */
export class BufferPool {
  readonly #freeBySize = new Map<number, Buffer[]>()
  #transfers = 0

  /** A transfer begins: it is counted until {@link leave}. */
  enter(): void {
    this.#transfers += 1
    // What is too large for so many would be kept for nothing.
    for (const size of this.#freeBySize.keys()) if (size > this.sizeBytes) this.#freeBySize.delete(size)
  }

  /** A transfer has ended. */
  leave(): void {
    this.#transfers -= 1
  }

  /** Size of the buffers that a transfer should use now, in bytes. */
  get sizeBytes(): number {
    return SIZES.find(({ upTo }) => this.#transfers <= upTo)?.bytes ?? 0
  }

  /** Whether there are enough transfers to be in the way of others. */
  get isShared(): boolean {
    return this.#transfers > 2
  }

  /** Whether a transfer should use one buffer rather than two in turn. */
  get isCrowded(): boolean {
    return this.#transfers > UNCROWDED
  }

  /** A buffer of exactly this size; its content is whatever it was. */
  take(sizeBytes: number): Buffer {
    // Not from Node's own pool, whose slabs are shared with everything else.
    return this.#freeBySize.get(sizeBytes)?.pop() ?? Buffer.allocUnsafeSlow(sizeBytes)
  }

  /** Gives a buffer back that nobody writes from any more. */
  give(buffer: Buffer): void {
    if (buffer.length > this.sizeBytes) return
    const free = this.#freeBySize.get(buffer.length)
    if (free === undefined) this.#freeBySize.set(buffer.length, [buffer])
    else if (free.length < MAX_FREE) free.push(buffer)
  }
}
