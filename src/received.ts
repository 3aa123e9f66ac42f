/**
 * Memory for bytes that come from the network in bulk. Each connection fills slabs one after the other, and what it has
 * received is handed on as views of them. Whoever is done with a view may say so; a slab of which all views are done
 * with is filled again. Fresh memory for each piece costs more than the copy into it. Saying nothing loses nothing but
 * that: the garbage collector has the slab.
 */

/** Slabs grow with a connection: most get a few short answers. */
const FIRST_SLAB_BYTES = 64 * 1024
const GROWTH = 4
/** Size of the largest slabs, which are those that are used again, in bytes. */
const SLAB_BYTES = 1024 * 1024
/** With less room than this in a slab the next one is begun, in bytes. */
const MIN_ROOM_BYTES = 32 * 1024
/** Longest piece of one read: what is received is then parsed and hashed while it is in the processor's cache, in bytes. */
const MAX_READ_BYTES = 256 * 1024
/** Most slabs that wait to be filled again. */
const MAX_FREE = 16

/** A piece of memory that is filled from its beginning to its end. */
class Slab {
  readonly bytes: Buffer
  filled = 0
  #doneBytes = 0
  #isLeft = false

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes)
    slabs.set(this.bytes.buffer, this)
  }

  /** Nothing more will be received into it. */
  leave(): void {
    this.#isLeft = true
    this.#reuse()
  }

  done(bytes: number): void {
    this.#doneBytes += bytes
    this.#reuse()
  }

  /** What was not handed on as it came, such as heads of answers, is never done: such a slab is not used again. */
  #reuse(): void {
    if (!this.#isLeft || this.#doneBytes < this.filled) return
    this.#isLeft = false
    this.#doneBytes = 0
    this.filled = 0
    if (this.bytes.length === SLAB_BYTES && free.length < MAX_FREE) free.push(this)
  }
}

const slabs = new WeakMap<ArrayBufferLike, Slab>()
const free: Slab[] = []

/** Nobody holds these bytes any more: to be said once for each, and only by who was the last to hold them. */
export const doneWith = (chunks: readonly Buffer[]): void => {
  for (const { buffer, length } of chunks) slabs.get(buffer)?.done(length)
}

/** Where one connection receives. */
export class Intake {
  #slab: Slab | undefined

  /** Room for the next bytes. */
  room(): Buffer {
    const { bytes, filled } = this.#current()
    return bytes.subarray(filled, filled + MAX_READ_BYTES)
  }

  /** So many bytes have come into the {@link room}. */
  take(length: number): Buffer {
    const slab = this.#current()
    const start = slab.filled
    slab.filled += length
    return slab.bytes.subarray(start, slab.filled)
  }

  #current(): Slab {
    const last = this.#slab
    if (last !== undefined && last.bytes.length - last.filled >= MIN_ROOM_BYTES) return last
    const sizeBytes = last === undefined ? FIRST_SLAB_BYTES : Math.min(last.bytes.length * GROWTH, SLAB_BYTES)
    this.#slab = (sizeBytes === SLAB_BYTES ? free.pop() : undefined) ?? new Slab(sizeBytes)
    last?.leave()
    return this.#slab
  }
}
