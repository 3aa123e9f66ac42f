/** A warm-up as a job: what its lines mean, image by image, and what became of each. */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { WARM_OUTCOMES } from '../observe/table/warm.ts'
import type { Platform } from '../protocol/manifest.ts'
import { formatImage, isTag } from '../protocol/name.ts'
import { WarmProgress } from '../pull/warm-progress.ts'
import type { WarmImage, WarmUp } from '../pull/warm-up.ts'
import type { Repositories } from '../repository.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import type { Job, JobItem } from './job.ts'
import type { WarmReference } from './warm-reference.ts'

/** Images of one job fetched at once. */
const IMAGES_AT_ONCE = 2
/** Most tags that one glob may mean. */
const MAX_TAGS = 200
/** Time for a list of tags, in milliseconds. */
const LIST_WITHIN_MS = 120_000

/** What became of an image. */
type Outcome = (typeof WARM_OUTCOMES)[number]

/** What a warm-up came to: images by outcome, and bytes fetched. */
export type WarmResult = Readonly<Record<Outcome, number>> & { readonly bytes: number }

/** What jobs that warm up work with. */
export interface WarmTools {
  readonly warmUp: WarmUp
  readonly repositories: Pick<Repositories, 'resolve'>
  readonly metrics: Pick<Metrics, 'warmImages'>
  readonly log: Logger
}

/** An image of a job. */
interface Wanted extends WarmImage {
  readonly item: JobItem
}

/** Failures after which another image of the same upstream would fare no better. */
const isUnwell = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && ['unreachable', 'timeout', 'refused'].includes(error.kind)

const toText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** One job. */
export class WarmJob {
  readonly #options: WarmTools
  readonly #job: Job
  readonly #platforms: readonly Platform[]
  readonly #progress = new WarmProgress()
  readonly #counts = Object.fromEntries(WARM_OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    Outcome,
    number
  >
  /** Name of an upstream that is not well → why. */
  readonly #unwell = new Map<string, string>()

  constructor(options: WarmTools, job: Job, platforms: readonly Platform[]) {
    this.#options = options
    this.#job = job
    this.#platforms = platforms
    job.progress = this.#progress
  }

  async run(lines: readonly WarmReference[]): Promise<WarmResult> {
    const images: Wanted[] = []
    for (const line of lines) images.push(...(await this.#expand(line)))
    const lane = async (): Promise<void> => {
      for (let next = images.shift(); next !== undefined; next = images.shift()) await this.#fetch(next)
    }
    await Promise.all(Array.from({ length: IMAGES_AT_ONCE }, lane))
    this.#job.signal.throwIfAborted()
    return { ...this.#counts, bytes: this.#progress.bytes }
  }

  /** The images that a line means; of one that means none the item says why. */
  async #expand(line: WarmReference): Promise<Wanted[]> {
    this.#job.signal.throwIfAborted()
    const item = this.#addItem(line.text)
    try {
      const repository = await this.#options.repositories.resolve(line.name, undefined, undefined)
      if (repository.kind === 'local') throw new Error('it was pushed here: there is nothing to fetch')
      const { wanted } = line
      if (wanted.kind !== 'glob') return [{ repository, reference: wanted, item }]
      const { upstream, name } = repository.origin
      const why = this.#unwell.get(upstream.name)
      if (why !== undefined) {
        this.#skip(item, why)
        return []
      }
      const { signal } = this.#job
      const asking = { signal, deadlineMs: LIST_WITHIN_MS, priority: 'prefetch' } as const
      const tags = (
        await upstream.tags(name, asking).catch((error) => this.#noteFailure(upstream.name, error))
      )
        .filter(isTag)
        .filter(wanted.fits)
      if (tags.length === 0) throw new Error('no tag fits')
      if (tags.length > MAX_TAGS)
        throw new Error(`${tags.length} tags fit, and at most ${MAX_TAGS} may: narrow it`)
      item.state = 'done'
      this.#progress.total -= 1
      return tags.map((tag) => {
        const reference = { kind: 'tag', tag } as const
        return { repository, reference, item: this.#addItem(formatImage(line.name, reference)) }
      })
    } catch (error) {
      this.#job.signal.throwIfAborted()
      this.#end(item, 'failed', error)
      return []
    }
  }

  /** Never rejects. */
  async #fetch({ repository, reference, item }: Wanted): Promise<void> {
    const { signal } = this.#job
    const { name } = repository.origin.upstream
    const why = this.#unwell.get(name)
    if (signal.aborted) return
    if (why !== undefined) return this.#skip(item, why)
    item.state = 'running'
    const task = {
      platforms: this.#platforms,
      progress: this.#progress,
      signal,
      onPause: (reason: string | undefined) => pause(item, reason),
    }
    try {
      const isFetched = await this.#options.warmUp
        .fetch({ repository, reference }, task)
        .catch((error) => this.#noteFailure(name, error))
      this.#end(item, isFetched ? 'fetched' : 'present')
    } catch (error) {
      if (!signal.aborted) this.#end(item, 'failed', error)
    }
  }

  #addItem(name: string): JobItem {
    this.#progress.total += 1
    return this.#job.addItem(name)
  }

  #skip(item: JobItem, why: string): void {
    this.#end(item, 'skipped', `its upstream is not well: ${why}`)
  }

  /** What goes wrong with one image may go wrong with all of its upstream. */
  #noteFailure(upstream: string, error: unknown): never {
    if (isUnwell(error)) this.#unwell.set(upstream, error.message)
    throw error
  }

  #end(item: JobItem, outcome: Outcome, error?: unknown): void {
    const { metrics, log } = this.#options
    item.state = outcome === 'fetched' || outcome === 'present' ? 'done' : outcome
    if (error !== undefined) item.error = toText(error)
    this.#counts[outcome] += 1
    this.#progress.done += 1
    metrics.warmImages.inc({ outcome })
    log.debug({ job: this.#job.id, image: item.name, err: error }, `warm-up: ${outcome}`)
  }
}

const pause = (item: JobItem, reason: string | undefined): void => {
  item.state = reason === undefined ? 'running' : 'waiting'
  if (reason === undefined) delete item.error
  else item.error = reason
}
