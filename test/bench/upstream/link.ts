/**
 * The wire between the upstream and the world: so many bytes a second in all, shared evenly by whatever is under way.
 * What was not used is not saved up.
 */
import type { ServerResponse } from 'node:http'
import type { ReadBlock } from '../content.ts'

/** How often the wire moves, in milliseconds. */
const TICK_MS = 2
/** A late tick is made up for, up to this much, in milliseconds: the processors are shared. */
const MAX_LATE_MS = 50
/** Largest piece of a turn, in bytes: small enough that transfers share evenly. */
const PIECE_BYTES = 16 * 1024
/** A transfer whose reader lags behind by this many bytes is passed over: the wire is others' meanwhile. */
const MAX_QUEUED_BYTES = 256 * 1024
/** Largest write where nothing is throttled, in bytes. */
const FAST_WRITE_BYTES = 1024 * 1024

/** A body under way. */
interface Transfer {
  readonly res: ServerResponse
  readonly read: ReadBlock
  position: number
  readonly end: number
}

/** Sends bodies at the pace of a wire. */
export class Link {
  readonly #bytesPerMs: number
  #transfers: Transfer[] = []
  #timer: NodeJS.Timeout | undefined
  #lastMs = 0
  #credit = 0

  /** @param bytesPerS `undefined`: as fast as the machine goes */
  constructor(bytesPerS: number | undefined) {
    this.#bytesPerMs = (bytesPerS ?? Number.POSITIVE_INFINITY) / 1000
  }

  /** Sends the bytes from `position` to before `end`, and ends the answer. */
  send(res: ServerResponse, read: ReadBlock, position: number, end: number): void {
    const transfer = { res, read, position, end }
    if (this.#bytesPerMs === Number.POSITIVE_INFINITY) {
      this.#sendFast(transfer)
      return
    }
    res.once('close', () => {
      this.#transfers = this.#transfers.filter((each) => each !== transfer)
    })
    this.#transfers.push(transfer)
    this.#start()
  }

  #sendFast(transfer: Transfer): void {
    const { res, read, end } = transfer
    while (transfer.position < end && !res.destroyed) {
      const block = read(transfer.position, Math.min(FAST_WRITE_BYTES, end - transfer.position))
      transfer.position += block.length
      if (res.write(block) || transfer.position === end) continue
      res.once('drain', () => this.#sendFast(transfer))
      return
    }
    res.end()
  }

  #start(): void {
    if (this.#timer !== undefined) return
    this.#lastMs = performance.now()
    this.#credit = 0
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  #tick(): void {
    const now = performance.now()
    this.#credit += Math.min(now - this.#lastMs, MAX_LATE_MS) * this.#bytesPerMs
    this.#lastMs = now
    let isMoving = true
    while (this.#credit > 0 && isMoving) {
      isMoving = false
      for (const transfer of this.#transfers) {
        if (this.#credit <= 0) break
        isMoving = this.#move(transfer) || isMoving
      }
      // Whoever came first in this turn comes last in the next.
      const first = this.#transfers.shift()
      if (first !== undefined) this.#transfers.push(first)
    }
    if (this.#credit > 0) this.#credit = 0
    this.#transfers = this.#transfers.filter(({ position, end }) => position < end)
    if (this.#transfers.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** @returns whether a piece went out */
  #move(transfer: Transfer): boolean {
    const { res, read, position, end } = transfer
    if (position >= end || res.writableLength > MAX_QUEUED_BYTES || res.destroyed) return false
    const piece = read(position, Math.min(PIECE_BYTES, end - position))
    transfer.position += piece.length
    this.#credit -= piece.length
    if (transfer.position < end) res.write(piece)
    else res.end(piece)
    return true
  }
}
