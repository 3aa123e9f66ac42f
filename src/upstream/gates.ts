/**
 * What may not be asked of an upstream before when, because it answered 429 (design, Failure table). Each kind of
 * request of each account has its own gate, since a pull limit counts neither blobs nor HEADs; an abuse limit, told by
 * its bare text, closes all.
 */
import { UpstreamError } from './upstream.ts'

/** Kinds of request that an upstream counts separately. */
export type GateKind = 'manifest' | 'head' | 'blob' | 'token' | 'list'

/** First pause where the upstream does not say how long, in milliseconds; doubled by each further 429 … */
const FIRST_PAUSE_MS = 60_000
/** … up to this. */
const LONGEST_PAUSE_MS = 15 * 60_000

/** A 429, as it came. */
export interface Limitation {
  readonly kind: GateKind
  /** Account that it was given to; empty for anonymous. */
  readonly account: string
  /** What it said, if it did. */
  readonly retryAfterMs: number | undefined
  /** Whether it is an abuse limit, which counts requests of all kinds. */
  readonly isAbuse: boolean
}

interface Gate {
  readonly untilMs: number
  readonly pauseMs: number
}

/** Several 429 that were under way together are one: only one that comes after the gate was open again is another. */
const nextPauseMs = (last: Gate | undefined, nowMs: number): number => {
  if (last === undefined) return FIRST_PAUSE_MS
  return last.untilMs > nowMs ? last.pauseMs : Math.min(LONGEST_PAUSE_MS, last.pauseMs * 2)
}

const ALL = 'all'

/** The gates of one upstream. */
export class Gates {
  readonly #upstream: string
  readonly #now: () => number
  readonly #gates = new Map<string, Gate>()

  /** @param now milliseconds since the epoch */
  constructor(upstream: string, now: () => number) {
    this.#upstream = upstream
    this.#now = now
  }

  /** @throws UpstreamError `limited` while requests of this kind are held back */
  check(kind: GateKind, account: string): void {
    const untilMs = Math.max(this.#untilMs(ALL), this.#untilMs(`${kind} ${account}`))
    const waitMs = untilMs - this.#now()
    if (waitMs <= 0) return
    throw new UpstreamError(
      'limited',
      `${this.#upstream} limits the rate of ${kind} requests: not asked again for ${Math.ceil(waitMs / 1000)} s`,
      { retryAfterMs: waitMs },
    )
  }

  /** Closes a gate (or all of them) after a 429. Returns for how long, in milliseconds. */
  close({ kind, account, retryAfterMs, isAbuse }: Limitation): number {
    const key = isAbuse ? ALL : `${kind} ${account}`
    const last = this.#gates.get(key)
    const nowMs = this.#now()
    const pauseMs = nextPauseMs(last, nowMs)
    const waitMs = retryAfterMs ?? pauseMs
    this.#gates.set(key, { untilMs: Math.max(last?.untilMs ?? 0, nowMs + waitMs), pauseMs })
    return waitMs
  }

  /** An answer other than 429: the next one begins with the shortest pause again. */
  open(kind: GateKind, account: string): void {
    if (this.#gates.size === 0) return
    for (const key of [ALL, `${kind} ${account}`])
      if (this.#untilMs(key) <= this.#now()) this.#gates.delete(key)
  }

  /** When the last of the closed gates opens, in milliseconds since the epoch; `undefined` while all are open. */
  get limitedUntilMs(): number | undefined {
    const untilMs = Math.max(0, ...[...this.#gates.values()].map((gate) => gate.untilMs))
    return untilMs > this.#now() ? untilMs : undefined
  }

  #untilMs(key: string): number {
    return this.#gates.get(key)?.untilMs ?? 0
  }
}
