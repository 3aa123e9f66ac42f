/**
 * What is looked up only when somebody scrapes: free space, requests under way. A figure that cannot be had in time does
 * not hold up the others, which are wanted most when something hangs.
 */
import type { Registry } from 'prom-client'

/** Sets figures. */
export type ScrapeHook = () => void | Promise<void>

/** Longest wait for all figures, in milliseconds: Prometheus gives up after ten seconds. */
const DEADLINE_MS = 1000

/** Scrapes of one registry. */
export class Scrape {
  readonly #registry: Registry
  readonly #deadlineMs: number
  readonly #hooks: ScrapeHook[] = []

  constructor(registry: Registry, deadlineMs = DEADLINE_MS) {
    this.#registry = registry
    this.#deadlineMs = deadlineMs
  }

  /** Media type of {@link text}. */
  get mediaType(): string {
    return this.#registry.contentType
  }

  /** Has `hook` run before each scrape. One that fails leaves its figures as they were. */
  before(hook: ScrapeHook): void {
    this.#hooks.push(hook)
  }

  /** All metrics as Prometheus reads them. */
  async text(): Promise<string> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#deadlineMs)
    })
    await Promise.race([Promise.allSettled(this.#hooks.map(async (hook) => hook())), deadline])
    clearTimeout(timer)
    return this.#registry.metrics()
  }
}
