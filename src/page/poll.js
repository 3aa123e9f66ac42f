/**
 * Asking again and again, politely: only while the page is looked at, never twice at once, and less and less often while there
 * is no answer.
 */

/** Longest pause after failures, in milliseconds. */
const MAX_PAUSE_MS = 60_000
/** Pause after the first failure, in milliseconds. */
const RETRY_MS = 1_000
/** How soon to ask again what was asked for while an answer was under way, in milliseconds. */
const AGAIN_MS = 200

/** Something that is asked again and again. */
export class Poll {
  /** @type {() => Promise<void>} */
  #ask
  /** @type {() => number} */
  #pause
  /** @type {(error: unknown) => void} */
  #onError
  /** @type {number | undefined} */
  #timer
  #failures = 0
  #isAsking = false
  #isWanted = false

  /**
   * @param {() => Promise<void>} ask rejects where there was no answer
   * @param {() => number} pause between two questions, in milliseconds
   * @param {(error: unknown) => void} onError shows why there was none
   */
  constructor(ask, pause, onError) {
    this.#ask = ask
    this.#pause = pause
    this.#onError = onError
    document.addEventListener('visibilitychange', () => this.#schedule(0))
  }

  /** Asks at once, and from then on. */
  start() {
    this.#isWanted = true
    this.#schedule(0)
  }

  /** Asks no more. */
  stop() {
    this.#isWanted = false
    clearTimeout(this.#timer)
  }

  /** Asks at once, if it asks at all. */
  hurry() {
    this.#failures = 0
    this.#schedule(0)
  }

  /** @param {number} ms */
  #schedule(ms) {
    clearTimeout(this.#timer)
    if (!this.#isWanted || document.hidden) return
    this.#timer = setTimeout(() => this.#run(), ms)
  }

  /** In milliseconds: 1 s, 2 s, 4 s, … */
  #retryPause() {
    return Math.min(MAX_PAUSE_MS, RETRY_MS * 2 ** (this.#failures - 1))
  }

  async #run() {
    // Whatever is asked for meanwhile may not be in the answer that is under way: it is asked for again after it.
    if (this.#isAsking) return this.#schedule(AGAIN_MS)
    this.#isAsking = true
    try {
      await this.#ask()
      this.#failures = 0
    } catch (error) {
      this.#failures += 1
      if (this.#isWanted) this.#onError(error)
    }
    this.#isAsking = false
    this.#schedule(this.#failures === 0 ? this.#pause() : this.#retryPause())
  }
}
