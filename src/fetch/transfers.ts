/** What a flight asks its upstream for: the bytes that it keeps, and those that it passes on to one reader alone. */
import type { Hash } from 'node:crypto'
import type { Audience } from './audience.ts'
import { Passthrough, type PassthroughOptions } from './passthrough.ts'
import type { FlightPlan, FlightTools } from './plan.ts'
import type { FlightReport } from './report.ts'
import { readUpstream } from './source.ts'

/** What is to be kept of a blob. */
export interface KeptPart {
  readonly from: number
  readonly audience: Audience
  readonly signal: AbortSignal
  /** Told the size of the whole in bytes; what it throws ends the reading. */
  readonly onSize: (sizeBytes: number | undefined) => void
}

/** Which part of a blob one reader needs. */
export interface PassedPart {
  readonly from: number
  /** Inclusive; default: to the end. */
  readonly to?: number
  /** State of the digest's hash over everything before `from`; without it nothing is verified. */
  readonly hash?: Hash | undefined
  readonly onClose?: () => void
}

/** Without a reason of ours Node makes one each time, with a stack. */
const PROMOTED = 'a client waits'

/** The transfers of one blob. */
export class Transfers {
  readonly #plan: FlightPlan
  readonly #tools: Pick<FlightTools, 'clock' | 'giveUpAfterMs'>
  readonly #report: FlightReport
  /** Of what nobody waits for yet. */
  readonly #promotion: AbortController | undefined

  constructor(plan: FlightPlan, tools: Pick<FlightTools, 'clock' | 'giveUpAfterMs'>, report: FlightReport) {
    this.#plan = plan
    this.#tools = tools
    this.#report = report
    this.#promotion = plan.priority === 'client' ? undefined : new AbortController()
  }

  /** A client waits for what was begun as a prefetch. */
  promote(): void {
    this.#promotion?.abort(PROMOTED)
  }

  /** The bytes from an offset to the end, to be kept; those of an image's layer when it is its turn. */
  read({ from, audience, signal, onSize }: KeptPart): AsyncIterable<Buffer> {
    const { layer } = this.#plan
    let { sizeBytes } = this.#plan
    const chunks = readUpstream({
      ...this.#common(from),
      priority: () => (this.#promotion?.signal.aborted === false ? 'prefetch' : 'client'),
      ...(this.#promotion && { promotion: this.#promotion.signal }),
      signal,
      onSize: (told) => {
        sizeBytes = told ?? sizeBytes
        onSize(told)
      },
    })
    if (layer === undefined) return chunks
    const { order, index } = layer
    return order.take({ index, from, sizeBytes: () => sizeBytes, audience, signal }, chunks)
  }

  /** Bytes for one reader, kept nowhere. @param sizeBytes of the whole, where it is known */
  open({ from, to, hash, onClose }: PassedPart, sizeBytes: number | undefined): Passthrough {
    const range = to === undefined ? {} : { to }
    return new Passthrough({ ...this.#common(from), ...range, sizeBytes }, hash, onClose)
  }

  #common(from: number): Omit<PassthroughOptions, 'sizeBytes'> {
    const { upstream, name, digest } = this.#plan
    const { clock, giveUpAfterMs } = this.#tools
    return {
      upstream,
      name,
      digest,
      from,
      priority: () => 'client',
      giveUpAfterMs,
      clock,
      onBytes: (bytes) => this.#report.received(bytes),
      onResume: (error, position) => this.#report.resumed(error, position),
    }
  }
}
