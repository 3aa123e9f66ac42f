/** Bytes per second from counters that only grow, as far as the page has looked on. Pure. */

/** How far back, in samples. */
const MAX_SAMPLES = 150

/** @typedef {{ readonly toClients: number, readonly fromUpstream: number }} Rates in bytes per second */

/** The recent past of two counters. */
export class RateHistory {
  /** @type {Rates[]} */
  #rates = []
  /** @type {{ atMs: number, toClients: number, fromUpstream: number } | undefined} */
  #last

  /** The rates so far, the newest last. @returns {readonly Rates[]} */
  get rates() {
    return this.#rates
  }

  /**
   * Takes what the counters stand at.
   * @param {number} atMs
   * @param {number} toClients bytes
   * @param {number} fromUpstream bytes
   */
  add(atMs, toClients, fromUpstream) {
    const last = this.#last
    this.#last = { atMs, toClients, fromUpstream }
    if (last === undefined || atMs <= last.atMs) return
    const seconds = (atMs - last.atMs) / 1000
    // A counter that is smaller than before has begun again with the server.
    const rate = (/** @type {number} */ now, /** @type {number} */ before) =>
      Math.max(0, now - before) / seconds
    this.#rates.push({
      toClients: rate(toClients, last.toClients),
      fromUpstream: rate(fromUpstream, last.fromUpstream),
    })
    this.#rates.splice(0, this.#rates.length - MAX_SAMPLES)
  }
}
