/**
 * Whose turn on the wire it is, among the layers of one image that are fetched at once. Engines unpack one layer after
 * the other, from the lowest on: where the wire is the bound, three layers that share it evenly are all there late. So
 * the higher ones wait until nearly all of the lower ones is here, as long as these alone come as fast as all did together.
 *
 *     sharing ──> measured ──> in order     the others wait for ten seconds, then it is measured anew
 *        └──────<──────┴──────────┘         once half a second's bytes are missing, as from an upstream that gives each
 *                                           connection only so much; no order is tried with it for a minute then
 *
 * A layer waits for no other that one of its own clients does not want, nor where a part of it is wanted.
 */
import type { Upstream } from '../upstream/upstream.ts'
import type { Audience } from './audience.ts'

/** How often the bytes that came are counted, in milliseconds. */
const WINDOW_MS = 100
/** Windows in a row that differ by no more than this factor show what the wire carries. */
const STEADY = 1.2
/** In order there comes at least this part of what came when all shared. */
const ENOUGH = 0.85
/**
 * How much less may come in order, in windows. What the others had under way arrives first, and is counted by nobody; what comes
 * from their buffers in their turn makes up for nothing.
 */
const MAX_SHORTFALL = 5
/** Whoever brings nothing in so many windows, and might, is waited for by nobody. */
const MAX_EMPTY_WINDOWS = 10
/** Whoever waits gets something this often, in windows: neither its upstream nor its client believes it dead. */
const MAX_WINDOWS_IN_ORDER = 100
/** How long no order is tried with an upstream that was not faster in one, in milliseconds. */
const LEFT_ALONE_MS = 60_000

/** Where in its image a layer is. */
export interface LayerPlace {
  readonly order: LayerOrder
  /** From 0. */
  readonly index: number
}

/** A layer that is fetched. */
export interface Layer {
  readonly index: number
  /** Offset of the first byte that is missing. */
  readonly from: number
  /** Size of the whole in bytes, as far as it is known by now. */
  readonly sizeBytes: () => number | undefined
  /** Who wants it. */
  readonly audience: Audience
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

interface Member extends Layer {
  position: number
  /** Whether anything of it came in this window, and in the one before. */
  isComing: boolean
  wasComing: boolean
  /** Windows in a row in which nothing came, though it did not wait. */
  emptyWindows: number
  /** Wakes it; `undefined`: it does not wait. */
  proceed: (() => void) | undefined
}

interface Trial {
  /** Whether an order is to be tried. */
  readonly mayBegin: () => boolean
  readonly onFailure: () => void
}

/** Makes the orders of images, and remembers with which upstreams they are of no use. */
export class LayerOrders {
  readonly #now: () => number
  readonly #leftAloneUntilMs = new WeakMap<Upstream, number>()

  /** @param now milliseconds since any one moment */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The order of one image's layers. */
  create(upstream: Upstream): LayerOrder {
    return new LayerOrder({
      mayBegin: () => this.#now() >= (this.#leftAloneUntilMs.get(upstream) ?? Number.NEGATIVE_INFINITY),
      onFailure: () => this.#leftAloneUntilMs.set(upstream, this.#now() + LEFT_ALONE_MS),
    })
  }
}

/** The layers of one image, as far as they are being fetched. */
export class LayerOrder {
  readonly #trial: Trial
  #members: readonly Member[] = []
  #timer: NodeJS.Timeout | undefined
  /** Bytes that came in this window, and in the one before, those included of layers that have ended. */
  #bytes = 0
  #lastBytes = 0
  /** Bytes of a window in which all shared the wire; `undefined`: they share it now. */
  #sharedBytes: number | undefined
  #windowsInOrder = 0
  /** Bytes that are missing to what would be enough. */
  #shortfall = 0

  constructor(trial: Trial) {
    this.#trial = trial
  }

  /** Passes on the bytes of a layer, asked for and each piece taken when it is its turn. @throws what `chunks` throws */
  async *take(layer: Layer, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    const seen = { isComing: false, wasComing: false, emptyWindows: 0 }
    const member: Member = { ...layer, ...seen, position: layer.from, proceed: undefined }
    this.#join(member)
    try {
      await this.#turnOf(member)
      for await (const chunk of chunks) {
        const wasNearlyAll = this.#isNearlyAll(member)
        member.position += chunk.length
        member.isComing = true
        this.#bytes += chunk.length
        if (!wasNearlyAll && this.#isNearlyAll(member)) this.#wake()
        yield chunk
        if (this.#mustWait(member)) await this.#turnOf(member)
      }
    } finally {
      this.#leave(member)
    }
  }

  #join(member: Member): void {
    this.#members = [...this.#members, member]
    if (this.#members.length < 2 || this.#timer !== undefined) return
    this.#share()
    this.#bytes = 0
    this.#lastBytes = 0
    this.#timer = setInterval(() => this.#count(), WINDOW_MS)
    this.#timer.unref()
  }

  #leave(member: Member): void {
    this.#members = this.#members.filter((each) => each !== member)
    if (this.#members.length < 2) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    this.#wake()
  }

  /** Whether less of it is missing than comes in a window: whoever is next may ask for its own. */
  #isNearlyAll({ position, sizeBytes }: Member): boolean {
    const missing = (sizeBytes() ?? Number.POSITIVE_INFINITY) - position
    return missing <= (this.#sharedBytes ?? 0)
  }

  /** Whether somebody comes before it. */
  #mustWait(member: Member): boolean {
    if (this.#sharedBytes === undefined || this.#isNearlyAll(member)) return false
    return this.#members.some(
      (other) =>
        other.index < member.index &&
        other.emptyWindows < MAX_EMPTY_WINDOWS &&
        !this.#isNearlyAll(other) &&
        member.audience.mayWaitFor(other.audience),
    )
  }

  async #turnOf(member: Member): Promise<void> {
    const { signal } = member
    while (this.#mustWait(member) && !signal.aborted) {
      let proceed = (): void => {}
      const woken = new Promise<void>((resolve) => {
        proceed = resolve
      })
      member.proceed = proceed
      signal.addEventListener('abort', proceed)
      await woken
      signal.removeEventListener('abort', proceed)
    }
    member.proceed = undefined
  }

  #wake(): void {
    for (const member of this.#members) if (!this.#mustWait(member)) member.proceed?.()
  }

  #count(): void {
    if (this.#sharedBytes !== undefined) this.#judge(this.#sharedBytes)
    else if (this.#isSteady && this.#trial.mayBegin()) this.#sharedBytes = this.#bytes
    for (const member of this.#members) {
      member.emptyWindows = member.isComing || member.proceed !== undefined ? 0 : member.emptyWindows + 1
      member.wasComing = member.isComing
      member.isComing = false
    }
    this.#lastBytes = this.#bytes
    this.#bytes = 0
    this.#wake()
  }

  /** Whether all of them share the wire, and have what it carries: two windows alike, in both of which each got something. */
  get #isSteady(): boolean {
    const isEach = this.#members.every(({ isComing, wasComing }) => isComing && wasComing)
    return isEach && this.#bytes < this.#lastBytes * STEADY && this.#lastBytes < this.#bytes * STEADY
  }

  #judge(sharedBytes: number): void {
    this.#windowsInOrder += 1
    const shortfall = this.#shortfall + sharedBytes * ENOUGH - Math.min(this.#bytes, sharedBytes)
    this.#shortfall = Math.max(0, shortfall)
    const isPoor = this.#shortfall > sharedBytes * MAX_SHORTFALL
    if (isPoor) this.#trial.onFailure()
    if (isPoor || this.#windowsInOrder >= MAX_WINDOWS_IN_ORDER) this.#share()
  }

  #share(): void {
    this.#sharedBytes = undefined
    this.#windowsInOrder = 0
    this.#shortfall = 0
  }
}
