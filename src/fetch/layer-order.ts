/**
 * Whose turn on the wire it is, among the layers of one image that are fetched at once. Engines unpack one layer after
 * the other, from the lowest on: where the wire is the bound, three layers that share it evenly are all there late. So
 * the higher ones wait until nearly all of the lower ones is here, as long as these alone come as fast as all did together.
 *
 *     sharing ──> measured ──> in order     the others wait, for ten seconds at most, then it is measured anew
 *        └──────<──────┴──────────┘         for a second less came than before: an upstream that gives each connection
 *                                           only so much, or a layer that hangs; the upstream is left alone for a minute
 */
import type { Upstream } from '../upstream/upstream.ts'

/** How often the bytes that came are counted, in milliseconds. */
const WINDOW_MS = 100
/** Windows that differ by this factor show the same wire. */
const STEADY = 1.2
/** In order there comes at least this part of what came when all shared. */
const ENOUGH = 0.85
/** What the others had under way arrives first, and nobody counts it: this many windows in a row may bring too little. */
const MAX_POOR_WINDOWS = 10
/** Whoever waits gets something this often, in windows: neither its upstream nor its client believes it dead. */
const MAX_WINDOWS_IN_ORDER = 100
/** How long an upstream that was not faster in order is left alone, in milliseconds. */
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
  /** Clients that wait for it just now; infinite: it is to wait for nobody. */
  readonly clients: () => number
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

interface Member extends Layer {
  position: number
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
  /** Bytes that came in this window, and in the one before. */
  #bytes = 0
  #lastBytes = 0
  /** Bytes of a window in which all shared the wire; `undefined`: they share it now. */
  #sharedBytes: number | undefined
  #windowsInOrder = 0
  #poorWindows = 0

  constructor(trial: Trial) {
    this.#trial = trial
  }

  /** Passes on the bytes of a layer, asked for and each piece taken when it is its turn. @throws what `chunks` throws */
  async *take(layer: Layer, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    const member: Member = { ...layer, position: layer.from, proceed: undefined }
    this.#join(member)
    try {
      await this.#turnOf(member)
      for await (const chunk of chunks) {
        const wasNearlyAll = this.#isNearlyAll(member)
        member.position += chunk.length
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

  /** Whether somebody comes before it. Nobody does before what more clients want. */
  #mustWait(member: Member): boolean {
    const clients = member.clients()
    if (this.#sharedBytes === undefined || this.#isNearlyAll(member) || clients === Number.POSITIVE_INFINITY)
      return false
    return this.#members.some(
      (other) => other.index < member.index && other.clients() >= clients && !this.#isNearlyAll(other),
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
    const [bytes, before] = [this.#bytes, this.#lastBytes]
    this.#bytes = 0
    this.#lastBytes = bytes
    if (this.#sharedBytes !== undefined) this.#judge(bytes, this.#sharedBytes)
    else if (bytes > 0 && bytes < before * STEADY && this.#trial.mayBegin()) this.#sharedBytes = bytes
  }

  #judge(bytes: number, sharedBytes: number): void {
    this.#windowsInOrder += 1
    this.#poorWindows = bytes >= sharedBytes * ENOUGH ? 0 : this.#poorWindows + 1
    const isPoor = this.#poorWindows >= MAX_POOR_WINDOWS
    if (isPoor) this.#trial.onFailure()
    if (isPoor || this.#windowsInOrder >= MAX_WINDOWS_IN_ORDER) this.#share()
    this.#wake()
  }

  #share(): void {
    this.#sharedBytes = undefined
    this.#windowsInOrder = 0
    this.#poorWindows = 0
    this.#bytes = 0
    this.#lastBytes = 0
  }
}
