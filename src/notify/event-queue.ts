/** What waits for an endpoint, in order and within bounds: when it is full, the oldest give way. */

/** Most that waits for one endpoint. */
export interface QueueLimits {
  readonly events: number
  readonly bytes: number
}

/** A queue of bodies. */
export class EventQueue {
  readonly #limits: QueueLimits
  #bodies: string[] = []
  /** Index of the oldest: what is before it has left. */
  #head = 0
  #bytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** How many wait. */
  get length(): number {
    return this.#bodies.length - this.#head
  }

  /** Takes a body in. @returns how many had to go to make room for it: older ones, or itself where it is too large */
  push(body: string): number {
    if (body.length > this.#limits.bytes) return 1
    this.#bodies.push(body)
    this.#bytes += body.length
    let dropped = 0
    while (this.length > this.#limits.events || this.#bytes > this.#limits.bytes) {
      this.shift()
      dropped += 1
    }
    return dropped
  }

  /** Takes the oldest out. */
  shift(): string | undefined {
    const body = this.#bodies[this.#head]
    if (body === undefined) return undefined
    this.#bodies[this.#head] = ''
    this.#head += 1
    this.#bytes -= body.length
    if (this.#head * 2 >= this.#bodies.length) this.#compact()
    return body
  }

  /** Halving at a time keeps both a shift and the memory small. */
  #compact(): void {
    this.#bodies = this.#bodies.slice(this.#head)
    this.#head = 0
  }
}
