/**
 * Counts reads where they are answered and bytes where they are sent, under entrepot's names and distribution's. Both are
 * hot paths: every series is held.
 */
import type { HotCounter, Series } from './counter.ts'
import { ANSWERS, type CONTENT_TYPES, type readMetrics } from './table/reads.ts'

/** How a read was answered. */
export type Answer = (typeof ANSWERS)[number]

/** What was read. */
export type ContentType = (typeof CONTENT_TYPES)[number]

/** Which of them distribution counts as hits: those for which no upstream had to send content. */
const FROM_STORE: ReadonlySet<Answer> = new Set(['hit', 'stale'])
/** For which no upstream had to send anything of its own. */
const SAVING: ReadonlySet<Answer> = new Set(['hit', 'stale', 'joined'])

/** Most blobs that are remembered as fetched ahead and not yet asked for. */
const MAX_AHEAD = 10_000

/** What was sent. */
export interface SentContent {
  /** How it was answered, as far as that was found out. */
  readonly answer: Answer | undefined
  readonly isMirrored: boolean
  /** Of a blob. */
  readonly digest: string | undefined
}

/** The series of one type of content. */
interface TypeSeries {
  readonly reads: ReadonlyMap<Answer, Series>
  readonly clientBytes: Series
  readonly proxyRequests: Series
  readonly proxyHits: Series
  readonly proxyMisses: Series
  readonly proxyPulledBytes: Series
  readonly proxyPushedBytes: Series
}

type ReadMetrics = ReturnType<typeof readMetrics>

const seriesOf = (type: ContentType, metrics: ReadMetrics): TypeSeries => {
  const one = (counter: HotCounter<'type'>): Series => counter.series({ type })
  return {
    reads: new Map(ANSWERS.map((answer) => [answer, metrics.reads.series({ type, answer })])),
    clientBytes: one(metrics.clientBytes),
    proxyRequests: one(metrics.proxyRequests),
    proxyHits: one(metrics.proxyHits),
    proxyMisses: one(metrics.proxyMisses),
    proxyPulledBytes: one(metrics.proxyPulledBytes),
    proxyPushedBytes: one(metrics.proxyPushedBytes),
  }
}

/** Counts the reads of one server. */
export class ReadMeter {
  /** Bytes saved since the start. They are exported once they are kept (`store/lasting-counter`). */
  readonly saved: Series = { value: 0 }
  readonly #byType: Readonly<Record<ContentType, TypeSeries>>
  /** Bytes fetched ahead, by digest, that no client has had yet: an upstream had to send them for the first one. */
  readonly #ahead = new Map<string, number>()

  constructor(metrics: ReadMetrics) {
    this.#byType = { blob: seriesOf('blob', metrics), manifest: seriesOf('manifest', metrics) }
  }

  /** A read was answered. */
  answered(type: ContentType, answer: Answer, isMirrored: boolean): void {
    const { reads, proxyRequests, proxyHits, proxyMisses } = this.#byType[type]
    add(reads.get(answer), 1)
    if (!isMirrored) return
    add(proxyRequests, 1)
    add(FROM_STORE.has(answer) ? proxyHits : proxyMisses, 1)
  }

  /** Content came from an upstream. */
  pulled(type: ContentType, bytes: number): void {
    add(this.#byType[type].proxyPulledBytes, bytes)
  }

  /** Bytes of a blob came, as counted by {@link pulled}, though nobody had asked for it. */
  pulledAhead(digest: string, bytes: number): void {
    const owed = this.#ahead.get(digest)
    const [oldest] = this.#ahead.keys()
    if (owed === undefined && this.#ahead.size >= MAX_AHEAD && oldest !== undefined)
      this.#ahead.delete(oldest)
    this.#ahead.set(digest, (owed ?? 0) + bytes)
  }

  /** Bytes of an answer were sent to a client. */
  sent(type: ContentType, bytes: number, { answer, isMirrored, digest }: SentContent): void {
    const { clientBytes, proxyPushedBytes } = this.#byType[type]
    add(clientBytes, bytes)
    if (!isMirrored) return
    add(proxyPushedBytes, bytes)
    if (answer !== undefined && SAVING.has(answer)) add(this.saved, bytes - this.#payAhead(digest, bytes))
  }

  /** @returns how many of the bytes had been fetched for whoever would come first */
  #payAhead(digest: string | undefined, bytes: number): number {
    const owed = digest === undefined ? undefined : this.#ahead.get(digest)
    if (digest === undefined || owed === undefined) return 0
    if (bytes >= owed) this.#ahead.delete(digest)
    else this.#ahead.set(digest, owed - bytes)
    return Math.min(bytes, owed)
  }
}

const add = (series: Series | undefined, value: number): void => {
  if (series !== undefined) series.value += value
}
