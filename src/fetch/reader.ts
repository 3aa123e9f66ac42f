/** A client's view of a flight: bytes at its own pace, from the partial, and from the upstream where that stopped. */
import type { Digest } from '../protocol/digest.ts'
import type { Partial } from './partial.ts'
import type { Passthrough } from './passthrough.ts'

/** What a reader asks of its flight. */
interface ReaderHooks {
  /** The bytes from `position` on, elsewhere; `undefined` where the partial is all there is. */
  readonly goOn: (position: number) => Passthrough | undefined
  readonly onClose: () => void
}

/** Reads a blob while it is fetched. */
export class FlightReader {
  readonly digest: Digest
  /** `undefined` where nobody knows it yet: the end is told by a read of 0 bytes. */
  readonly sizeBytes: number | undefined
  readonly #partial: Partial | undefined
  readonly #hooks: ReaderHooks
  #passthrough: Passthrough | undefined
  #isClosed = false

  constructor(
    digest: Digest,
    sizeBytes: number | undefined,
    partial: Partial | undefined,
    hooks: ReaderHooks,
  ) {
    this.digest = digest
    this.sizeBytes = sizeBytes
    this.#partial = partial
    this.#hooks = hooks
    partial?.retain()
  }

  /**
   * Reads up to `length` bytes at `position`, waiting until there are some; positions must follow one another.
   * @returns how many; 0 at the end
   * @throws UpstreamError when the fetch failed, or the whole blob turned out wrong
   */
  async read(buffer: Uint8Array, position: number, length: number): Promise<number> {
    if (this.#passthrough === undefined && this.#partial !== undefined) {
      const found = await this.#partial.read(buffer, position, length, () => this.#isClosed)
      if (found.kind === 'bytes') return found.length
      if (found.kind === 'end') return 0
    }
    this.#passthrough ??= this.#hooks.goOn(position)
    return (await this.#passthrough?.read(buffer, position, length)) ?? 0
  }

  /** Ends the reading; the fetch goes on. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#partial?.wake()
    try {
      await this.#passthrough?.close()
    } finally {
      await this.#partial?.release()
      this.#hooks.onClose()
    }
  }
}
