/**
 * Garbage collection while pushes and pulls go on: nothing stops and nobody waits (design §3).
 *
 *  1. Repository by repository, what is local loses the links to blobs that no manifest of it names any more, once nobody
 *     has pushed, mounted or asked for them for a while; on demand manifests that no tag reaches, too. Everything else that
 *     a repository has or names is noted as reachable, in a filter of fixed size.
 *  2. Bucket by bucket, bytes that are not reachable are removed.
 *
 * What is linked while this goes on is noted as it happens; what is about to be linked is held (`store/leases`), and whoever
 * comes to a blob that is being removed waits, and finds it gone. A repository whose state is not certain loses nothing, and
 * none does while another process works on the volume.
 */
import { CollectRun } from './collect-run.ts'
import type { CollectParts, CollectReport } from './collect-state.ts'
import { VolumeSharedError } from './shared.ts'

/** How long what may be about to be named is kept where no time is given, in milliseconds: a slow push of an image. */
const GRACE_MS = 6 * 60 * 60 * 1000
/** Bytes without a link are left alone for so long after they came, in milliseconds: another program may be at it. */
const ARRIVING_MS = 10 * 60 * 1000

/** What is collected in, with, and when. */
export interface CollectorOptions extends CollectParts {
  /** How long a blob that no manifest names is kept after it was last pushed, mounted or asked for; 0: for ever. */
  readonly keepUnnamedMs: number
  /** Told of every run that was not a dry one. */
  readonly onCollected?: (report: CollectReport) => void
}

/** How to collect. */
export interface CollectRequest {
  /** Only tells what would go. */
  readonly isDryRun?: boolean
  /** Local manifests that no tag reaches go as well. */
  readonly dropsUntagged?: boolean
  /** Instead of the usual times for which what came or was used lately is kept, in milliseconds; 0: it goes at once. */
  readonly graceMs?: number | undefined
  /** Ends the run between two blobs. */
  readonly signal?: AbortSignal | undefined
}

/** Collects garbage, one run at a time. */
export class Collector {
  readonly #options: CollectorOptions
  #running: Promise<unknown> = Promise.resolve()
  #last: CollectReport | undefined

  constructor(options: CollectorOptions) {
    this.#options = options
  }

  /** The last run that was not a dry one. */
  get last(): CollectReport | undefined {
    return this.#last
  }

  /**
   * Collects, when runs that were asked for before have ended.
   * @throws VolumeSharedError, StorageError, the signal's reason; what was removed until then was garbage
   */
  run(request: CollectRequest = {}): Promise<CollectReport> {
    const run = this.#running.then(() => this.#run(request))
    this.#running = run.catch(() => {})
    return run
  }

  async #run(request: CollectRequest): Promise<CollectReport> {
    const { keepUnnamedMs, onCollected, owner, log, metrics } = this.#options
    request.signal?.throwIfAborted()
    if (request.isDryRun !== true && !(await owner.isAlone())) throw new VolumeSharedError()
    const { graceMs } = request
    const run = new CollectRun(this.#options, {
      isDryRun: request.isDryRun === true,
      dropsUntagged: request.dropsUntagged === true,
      dropsUnnamed: graceMs !== undefined || keepUnnamedMs > 0,
      graceMs: graceMs ?? (keepUnnamedMs || GRACE_MS),
      arrivingMs: Math.min(graceMs ?? ARRIVING_MS, ARRIVING_MS),
      signal: request.signal,
    })
    const report = await run.run()
    if (report.isDryRun) return report
    this.#last = report
    metrics.collectLastRun.set(report.endedAtMs / 1000)
    onCollected?.(report)
    const { repositories, manifests, links, blobs, bytes, waiting } = report
    const hasDone = manifests + links + blobs > 0
    const figures = { repositories, manifests, links, blobs, bytes, waiting }
    log[hasDone ? 'info' : 'debug'](figures, 'garbage collected')
    return report
  }
}
