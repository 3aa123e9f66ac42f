/**
 * One download of one digest, whoever asked for it. The flight writes a partial and hashes what passes; its readers read
 * the partial. It outlives them.
 *
 *     opening ──> streaming ──> verified ──> stored     everything went well
 *        │            ├──────> stopped                  the disk takes no more: readers go on at the upstream
 *        └────────────┴──────> failed                   the upstream gave up, or the bytes were wrong
 */
import { algorithmOf, createDigester, type Digest } from '../protocol/digest.ts'
import { StorageError } from '../store/driver.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import { openAdmitted, requirePlausible } from './admission.ts'
import { Audience } from './audience.ts'
import { Download } from './download.ts'
import type { Partial } from './partial.ts'
import type { Passthrough } from './passthrough.ts'
import type { FlightPlan, FlightStart, FlightTools } from './plan.ts'
import { FlightReader } from './reader.ts'
import { FlightReport } from './report.ts'
import { confirmBlob } from './source.ts'
import { Transfers } from './transfers.ts'

/** A download in progress. */
export class Flight {
  readonly plan: FlightPlan
  /** Resolves when the upstream has answered; rejects with the UpstreamError that it failed with before. */
  readonly answered: Promise<void>
  /** Resolves when nothing is under way any more, however it ended: `true` where the blob is stored. Never rejects. */
  readonly ended: Promise<boolean>
  /** Who wants it. */
  readonly audience = new Audience()
  readonly #tools: FlightTools
  readonly #report: FlightReport
  readonly #abort = new AbortController()
  readonly #transfers: Transfers
  #sizeBytes: number | undefined
  #partial: Partial | undefined
  #download: Download | undefined
  #isAnswered = false
  #isStopped = false
  #isHandedOver = false
  #hasFailed = false
  readonly #beganMs: number
  #settleAnswer: (error?: unknown) => void = () => {}

  constructor(plan: FlightPlan, tools: FlightTools, start: FlightStart = {}) {
    this.plan = plan
    this.#tools = tools
    this.#beganMs = tools.clock.now()
    this.#report = new FlightReport(tools, plan)
    this.#transfers = new Transfers(plan, tools, this.#report)
    this.answered = new Promise((resolve, reject) => {
      this.#settleAnswer = (error) => (error === undefined ? resolve() : reject(error))
    })
    // Nobody may be waiting: a prefetch that fails is logged, not thrown.
    this.answered.catch(() => {})
    this.ended = this.#fly(start)
  }

  /** Size of the whole in bytes; `undefined` where nobody knows it yet. */
  get sizeBytes(): number | undefined {
    return this.#sizeBytes
  }

  /** Bytes on disk so far. */
  get writtenBytes(): number {
    return this.#partial?.written ?? 0
  }

  /** How often it went on after it was interrupted. */
  get resumes(): number {
    return this.#report.resumes
  }

  /** How long ago it began, in milliseconds. */
  get ageMs(): number {
    return this.#tools.clock.now() - this.#beganMs
  }

  /** Whether the blob is being stored, and counts there. */
  get isHandedOver(): boolean {
    return this.#isHandedOver
  }

  /** Whether the disk takes no more of it, and what it took is thrown away. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Whether the disk took nothing of it: every reader gets what is not in memory from the upstream by itself. */
  get isUncached(): boolean {
    return this.#isStopped && this.writtenBytes === 0
  }

  /** Whether another client may join: not once it has failed or was ended. */
  get isJoinable(): boolean {
    return !this.#hasFailed && !this.#abort.signal.aborted
  }

  /**
   * Another reader. Call it when {@link answered} has resolved.
   * @param client its address
   * @returns `undefined` where everything has ended since: the blob is stored, or may be asked for again
   */
  open(client: string): FlightReader | undefined {
    if (this.#partial?.isClosed === true) return undefined
    const leave = this.audience.enter(client)
    return new FlightReader(this.plan.digest, this.#sizeBytes, this.#partial, {
      goOn: (position) => this.#goOn(position),
      onClose: () => {
        leave()
        if (this.audience.readers === 0 && this.#tools.abandons) this.abort()
      },
    })
  }

  /** Bytes of the same blob by a transfer of their own, kept nowhere. */
  openRange(first: number, last: number, onClose: () => void): Passthrough {
    return this.#transfers.open({ from: first, to: last, onClose }, this.#sizeBytes)
  }

  /** A client waits for what was begun as a prefetch. */
  promote(): void {
    this.#transfers.promote()
  }

  /** Ends the download, unless all of it is here; what is on disk stays for the next one. */
  abort(): void {
    if (this.#partial?.state === 'sealed') return
    this.#abort.abort(new UpstreamError('unreachable', `the fetch of ${this.plan.digest} was ended`))
  }

  async #fly({ after, isNew = false }: FlightStart): Promise<boolean> {
    this.#report.began()
    try {
      await after
      this.#partial = await this.#openPartial(isNew)
      if (this.#partial !== undefined && (await this.#fill(this.#partial))) return true
      // Where the disk took nothing, the readers still want to know of the blob.
      if (!this.#isAnswered) this.#onSize(await confirmBlob(this.plan, this.#abort.signal))
    } catch (error) {
      await this.#fail(this.#abort.signal.aborted ? this.#abort.signal.reason : error)
    } finally {
      await this.#download?.end()
      await this.#partial?.release()
      this.#report.ended()
    }
    return false
  }

  /** @returns `undefined` where the store cannot be written: every reader fetches for itself then */
  async #openPartial(isNew: boolean): Promise<Partial | undefined> {
    try {
      return await openAdmitted(this.#tools, this.plan, isNew)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#isStopped = true
      this.#report.stopped(error, 0)
      return undefined
    }
  }

  /** @returns whether the blob is stored */
  async #fill(partial: Partial): Promise<boolean> {
    const download = new Download({
      digest: this.plan.digest,
      partial,
      read: (from) => this.#read(from),
      makeRoom: this.#tools.makeRoom,
      signal: this.#abort.signal,
      report: this.#report,
    })
    this.#download = download
    try {
      if (await download.takeLeftover()) {
        // A dead process had all of it: that the upstream has it there is still to be confirmed.
        await confirmBlob(this.plan, this.#abort.signal)
        this.#onSize(partial.written)
      } else await download.run()
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      await this.#stop(partial, download, error)
      return false
    }
    this.#verify(partial, download.found)
    return this.#store(partial, download)
  }

  #read(from: number): AsyncIterable<Buffer> {
    return this.#transfers.read({
      from,
      audience: this.audience,
      signal: this.#abort.signal,
      onSize: (sizeBytes) => {
        this.#onSize(sizeBytes)
        // The readers have their answer: what is too large to be kept stops as on a full disk.
        this.#tools.admission?.requireFit(this.plan, this.#sizeBytes)
      },
    })
  }

  /** @throws UpstreamError for a size that cannot be */
  #onSize(sizeBytes = this.plan.sizeBytes): void {
    requirePlausible(this.plan, sizeBytes)
    this.#sizeBytes = sizeBytes
    if (sizeBytes !== undefined) this.#partial?.expect(sizeBytes)
    this.#isAnswered = true
    this.#settleAnswer()
  }

  /** Lets the readers have the last byte. @throws UpstreamError `corrupt` */
  #verify(partial: Partial, found: Digest): void {
    const { digest } = this.plan
    if (found !== digest)
      throw new UpstreamError('corrupt', `${this.#report.origin} sent bytes of ${found} as ${digest}`)
    this.#sizeBytes = partial.written
    partial.seal()
  }

  /** Sync, rename and link: the readers have everything already. @returns whether it is stored */
  async #store(partial: Partial, download: Download): Promise<boolean> {
    try {
      await download.finish()
      const stored = await download.findStored()
      this.#isHandedOver = true
      await this.plan.store({ file: partial.path, sizeBytes: partial.written, stored })
      this.#report.stored()
      return true
    } catch (error) {
      this.#report.notStored(error)
      await this.#tools.partials.discard(partial)
      return false
    }
  }

  async #stop(partial: Partial, download: Download, error: StorageError): Promise<void> {
    this.#isStopped = true
    await download.end()
    partial.stop()
    this.#report.stopped(error, partial.written)
    await this.#tools.partials.discard(partial)
  }

  async #fail(error: unknown): Promise<void> {
    this.#hasFailed = true
    const isWrong = error instanceof UpstreamError && error.kind === 'corrupt'
    if (this.#partial !== undefined && (isWrong || this.writtenBytes === 0))
      await this.#tools.partials.discard(this.#partial)
    if (this.#abort.signal.aborted) this.#report.abandoned(this.writtenBytes)
    else this.#report.failed(error, this.writtenBytes)
    this.#partial?.fail(error)
    this.#settleAnswer(error)
  }

  /** Where a reader goes on when the partial has stopped: its own transfer, verified if it has read all that went before. */
  #goOn(position: number): Passthrough | undefined {
    if (!this.#isStopped) return undefined
    const download = this.#download
    // Where there is none the disk took nothing, and nobody has read anything.
    const hash = download ? download.hashBefore(position) : createDigester(algorithmOf(this.plan.digest))
    return this.#transfers.open({ from: position, hash }, this.#sizeBytes)
  }
}
