/**
 * When garbage is collected by itself: some minutes after something was deleted, again when what was too young has had its
 * time, and once a day for whatever else there is. A store that takes long to look through is left alone for long.
 */
import type { LinkStore } from '../store/links.ts'
import type { Collector } from './collect.ts'

const MINUTE_MS = 60_000
/** From a delete until it is collected, in milliseconds: by then nothing is on its way any more. */
const AFTER_DELETE_MS = 11 * MINUTE_MS
const DAY_MS = 24 * 60 * MINUTE_MS
/** Part of the time that collecting may take. */
const MAX_SHARE = 0.1

/** What is looked at. */
export interface CollectScheduleOptions {
  readonly collector: Collector
  readonly links: Pick<LinkStore, 'removals'>
  /** How long what may be about to be named is kept, in milliseconds; 0: for ever. */
  readonly keepUnnamedMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Collects when it is time. */
export class CollectSchedule {
  readonly #options: CollectScheduleOptions
  #dueAtMs: number
  #notBeforeMs = 0
  #removals: number

  constructor(options: CollectScheduleOptions) {
    this.#options = options
    // What was deleted before the server started is collected with what is deleted now.
    this.#dueAtMs = options.now() + AFTER_DELETE_MS
    this.#removals = options.links.removals
  }

  /** Collects, if it is time. To be called every minute or so. @throws as `Collector.run` */
  async tick(signal: AbortSignal): Promise<void> {
    const { collector, links, now } = this.#options
    const startedAtMs = now()
    if (links.removals !== this.#removals)
      this.#dueAtMs = Math.min(this.#dueAtMs, startedAtMs + AFTER_DELETE_MS)
    this.#removals = links.removals
    if (startedAtMs < Math.max(this.#dueAtMs, this.#notBeforeMs)) return
    this.#dueAtMs = startedAtMs + DAY_MS
    try {
      const { waiting } = await collector.run({ signal })
      if (waiting > 0) this.#dueAtMs = Math.min(this.#dueAtMs, now() + this.#graceMs())
    } finally {
      this.#removals = links.removals
      this.#notBeforeMs = now() + (now() - startedAtMs) / MAX_SHARE
    }
  }

  #graceMs(): number {
    return Math.max(AFTER_DELETE_MS, this.#options.keepUnnamedMs)
  }
}
