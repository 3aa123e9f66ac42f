/**
 * Single flight: at most one download of a digest at a time in this process, joined by everybody who wants it. A flight
 * is here from its start until its blob is stored, so that a request finds either the flight or the blob.
 */
import type { Hash } from 'node:crypto'
import { Memory } from '../memory.ts'
import type { Digest } from '../protocol/digest.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import { Flight } from './flight.ts'
import { Passthrough } from './passthrough.ts'
import type { FlightPlan, FlightTools } from './plan.ts'

/** A range that begins this many bytes ahead of a fetch is asked of the upstream by itself. */
const FAR_AHEAD_BYTES = 16 * 1024 * 1024
/** Such ranges at once, for one blob. */
const MAX_RANGES_PER_BLOB = 4
/** Fetches that broke off, of which that is remembered. */
const MAX_BROKEN_OFF = 10_000

/** The downloads in progress. */
export class Flights {
  readonly #tools: FlightTools
  readonly #byDigest = new Map<Digest, Flight>()
  readonly #rangesByDigest = new Map<Digest, number>()
  /** What did not come to its end here, and may have left something. */
  readonly #brokenOff = new Memory<Digest, true>(MAX_BROKEN_OFF)
  /** Whether the disk took nothing of what was fetched last. */
  #isRefused = false

  constructor(tools: FlightTools) {
    this.#tools = tools
  }

  /** The download of a digest, if one is in progress. */
  find(digest: Digest): Flight | undefined {
    return this.#byDigest.get(digest)
  }

  /** All downloads in progress. */
  list(): Flight[] {
    return [...this.#byDigest.values()]
  }

  /** Joins the download of a digest, or starts it. */
  start(plan: FlightPlan): { readonly flight: Flight; readonly isNew: boolean } {
    const running = this.#byDigest.get(plan.digest)
    if (running?.isJoinable === true) {
      if (plan.priority === 'client') running.promote()
      return { flight: running, isNew: false }
    }
    const flight = new Flight(plan, this.#tools, {
      after: running?.ended,
      isNew: running === undefined && this.#isNew(plan.digest),
    })
    this.#byDigest.set(plan.digest, flight)
    void flight.ended.then((isStored) => {
      this.#isRefused = flight.isUncached
      if (!isStored) this.#brokenOff.set(plan.digest, true)
      if (this.#byDigest.get(plan.digest) === flight) this.#byDigest.delete(plan.digest)
    })
    return { flight, isNew: true }
  }

  /**
   * A range that begins far ahead of its flight, by itself and uncached: lazy pullers read the end of a layer first.
   * @returns `undefined` where the flight will soon be there, or too many such ranges are under way
   */
  openAhead(flight: Flight, first: number, last: number): Passthrough | undefined {
    const { digest } = flight.plan
    const open = this.#rangesByDigest.get(digest) ?? 0
    if (first <= flight.writtenBytes + FAR_AHEAD_BYTES || open >= MAX_RANGES_PER_BLOB) return undefined
    this.#rangesByDigest.set(digest, open + 1)
    return flight.openRange(first, last, () => this.#closeAhead(digest))
  }

  /**
   * The rest of a blob that was promised to a client with `sizeBytes`, by a transfer of its own, kept nowhere.
   * @param hash state of the digest's hash over all bytes before `from`: the last bytes are held back until it is right;
   * `undefined`: the client wants a part, which nobody can verify
   */
  openRest(
    { digest, upstream, name }: Pick<FlightPlan, 'digest' | 'upstream' | 'name'>,
    from: number,
    sizeBytes: number,
    hash: Hash | undefined,
  ): Passthrough {
    const { clock, giveUpAfterMs, metrics } = this.#tools
    const onSize = (found: number | undefined): void => {
      if (found !== undefined && found !== sizeBytes)
        throw new UpstreamError('corrupt', `${digest} has ${found} bytes, and ${sizeBytes} were stored`)
    }
    const onBytes = (bytes: number): void => metrics.readMeter.pulled('blob', bytes)
    const source = { digest, upstream, name, from, sizeBytes, clock, giveUpAfterMs, onSize, onBytes }
    return new Passthrough({ ...source, priority: () => 'client' }, hash)
  }

  /** Ends all downloads; what is on disk stays for the next start. */
  async close(): Promise<void> {
    const flights = this.list()
    for (const flight of flights) flight.abort()
    await Promise.all(flights.map((flight) => flight.ended))
  }

  /** Whether a partial is as good as certainly a new one, and will be taken by the disk: the upstream is asked first, then. */
  #isNew(digest: Digest): boolean {
    return !this.#isRefused && !this.#brokenOff.has(digest) && this.#tools.partials.isNew(digest)
  }

  #closeAhead(digest: Digest): void {
    const open = (this.#rangesByDigest.get(digest) ?? 1) - 1
    if (open === 0) this.#rangesByDigest.delete(digest)
    else this.#rangesByDigest.set(digest, open)
  }
}
