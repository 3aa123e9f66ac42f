/**
 * The two queues of an upstream (design, Upstream manners). Priorities order what waits and do not pre-empt, so slow
 * layers have places of their own and never hold those of manifests.
 */
import PQueue from 'p-queue'
import type { Priority } from './upstream.ts'

/** Gives a place back. Calling it again does nothing. */
export type Release = () => void

/** What waits in the queue of short requests, from first to last: further requests of a call under way, then calls. */
const SHORT_PRIORITIES = { continued: 2, client: 1, prefetch: 0 } as const

/** Who waits for a short request; `continued`: the call has had a place before (a token, the request after it). */
export type ShortPriority = keyof typeof SHORT_PRIORITIES

/** Resolves with a place once there is one; the task of the queue lasts until it is given back. */
const takePlace = (
  queue: PQueue,
  options: { signal: AbortSignal | undefined; priority?: number },
): Promise<Release> =>
  new Promise((resolve, reject) => {
    const { signal, ...rest } = options
    if (signal?.aborted) return reject(signal.reason)
    const hold = () => new Promise<void>((release) => resolve(release))
    // Where there is a place nothing waits and nothing can be aborted: without the means for it, a tenth of a millisecond
    // of a cold blob's first byte.
    if (queue.size === 0 && queue.pending < queue.concurrency) {
      queue.add(hold).catch(reject)
      return
    }
    const waiting = new AbortController()
    const onAbort = () => waiting.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    // Only the waiting is aborted: a place that was got is held until its owner lets go.
    const task = () => {
      signal?.removeEventListener('abort', onAbort)
      return hold()
    }
    queue.add(task, { ...rest, signal: waiting.signal }).catch(reject)
  })

const MS_PER_S = 1000

/** Places for short requests: token, HEAD, manifest, list. */
export class ShortQueue {
  readonly #queue: PQueue
  readonly #onPlace: (waitS: number) => void

  /** @param onPlace told how long each request has waited, in seconds */
  constructor(places: number, onPlace: (waitS: number) => void = () => {}) {
    this.#queue = new PQueue({ concurrency: places })
    this.#onPlace = onPlace
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Does `work` when there is a place for it. Rejects with the reason of `signal` where that ends the waiting. */
  async run<T>(priority: ShortPriority, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const startMs = performance.now()
    const release = await takePlace(this.#queue, { priority: SHORT_PRIORITIES[priority], signal })
    this.#onPlace((performance.now() - startMs) / MS_PER_S)
    try {
      return await work()
    } finally {
      release()
    }
  }
}

/** Part of the transfer places that a prefetch may take: the rest is always left to clients. */
const PREFETCH_SHARE = 2 / 3

interface WaitingPrefetch {
  readonly start: () => void
}

/** Places for blobs, each held until its body ends. */
export class TransferQueue {
  readonly #queue: PQueue
  readonly #onPlace: (waitS: number) => void
  readonly #prefetchPlaces: number
  readonly #prefetches = new Set<WaitingPrefetch>()

  /** @param onPlace told how long each transfer has waited, in seconds */
  constructor(places: number, onPlace: (waitS: number) => void = () => {}) {
    this.#onPlace = onPlace
    this.#queue = new PQueue({ concurrency: places })
    this.#prefetchPlaces = Math.max(1, Math.floor(places * PREFETCH_SHARE))
    this.#queue.on('next', () => this.#admitPrefetches())
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#queue.size + this.#prefetches.size
  }

  /**
   * Waits for a place. Rejects with the reason of `signal`.
   * @param promotion when it is aborted, a waiting prefetch goes on as a client's
   */
  async take(priority: Priority, signal?: AbortSignal, promotion?: AbortSignal): Promise<Release> {
    const startMs = performance.now()
    const mayEnter = priority === 'client' || promotion?.aborted || this.#mayPrefetch
    const release = await (mayEnter ? this.#enter(signal) : this.#enterLater(signal, promotion))
    this.#onPlace((performance.now() - startMs) / MS_PER_S)
    return release
  }

  get #mayPrefetch(): boolean {
    return this.#queue.pending + this.#queue.size < this.#prefetchPlaces
  }

  #enter(signal: AbortSignal | undefined): Promise<Release> {
    return takePlace(this.#queue, { signal })
  }

  #enterLater(signal: AbortSignal | undefined, promotion: AbortSignal | undefined): Promise<Release> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#prefetches.delete(waiting)
        signal?.removeEventListener('abort', onAbort)
        promotion?.removeEventListener('abort', waiting.start)
      }
      const onAbort = () => {
        leave()
        reject(signal?.reason)
      }
      const waiting = {
        start: () => {
          leave()
          resolve(this.#enter(signal))
        },
      }
      this.#prefetches.add(waiting)
      signal?.addEventListener('abort', onAbort, { once: true })
      promotion?.addEventListener('abort', waiting.start, { once: true })
      if (signal?.aborted) onAbort()
    })
  }

  #admitPrefetches(): void {
    const [first] = this.#prefetches
    if (first !== undefined && this.#mayPrefetch) first.start()
  }
}
