/** A finding about an upstream that is believed for a while: upstreams change, and one odd answer must not stick. */

/** How long a finding is believed, in milliseconds. */
const BELIEVED_MS = 60 * 60_000

/** That something is so, until it is forgotten. */
export class Finding {
  readonly #now: () => number
  #untilMs = Number.NEGATIVE_INFINITY

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether it was found lately. */
  get holds(): boolean {
    return this.#now() < this.#untilMs
  }

  /** It was found just now. */
  note(): void {
    this.#untilMs = this.#now() + BELIEVED_MS
  }
}
