/**
 * Manifests that were just given, given again: before the middlewares, the router, the guard and the store, which cost more
 * than the answer itself. Only what anybody may have, and what came from the cache as it was: nothing that an upstream was asked
 * for. An answer is believed for a moment, and not at all once this process has changed anything that it hangs on.
 */
import type { IncomingMessage } from 'node:http'
import type { Identity } from '../access/authenticate.ts'
import { Memory } from '../memory.ts'
import type { Reference } from '../protocol/name.ts'
import type { PulledManifest } from '../pull/pulled-manifest.ts'
import type { Repository } from '../repository.ts'
import type { Context } from './context.ts'

/** A manifest, as it was asked for. */
export interface GivenManifest {
  readonly repository: Repository
  readonly reference: Reference
  readonly pulled: PulledManifest
}

/** The same, and whose it was. */
export interface RememberedManifest extends GivenManifest {
  readonly identity: Identity
}

interface Remembered extends RememberedManifest {
  /** A `GET` that comes after a `HEAD` is the first by which anybody may learn what the manifest names. */
  readonly isHead: boolean
  readonly changes: number
  readonly atMs: number
  readonly untilMs: number
}

/** How long an answer is believed, in milliseconds: what other processes change is seen so much later. */
const KNOWN_FOR_MS = 250
/** Manifests that are remembered, and the longest of them in bytes: 16 MiB in all, where nobody else holds them. */
const MAX_KNOWN = 500
const MAX_BYTES = 32 * 1024

/** What repeats are judged by. */
export interface RepeatsOptions {
  /** How often this process has changed what a tag, a digest or a name stands for. */
  readonly countChanges: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Remembers answers. */
export class Repeats {
  readonly #options: RepeatsOptions
  readonly #known = new Memory<string, Remembered>(MAX_KNOWN)

  constructor(options: RepeatsOptions) {
    this.#options = options
  }

  /** What is remembered for a request. */
  find({ url, method, headers }: IncomingMessage): RememberedManifest | undefined {
    if (url === undefined || headers.authorization !== undefined) return undefined
    if (method !== 'GET' && method !== 'HEAD') return undefined
    const known = this.#known.get(url)
    if (known === undefined || known.changes !== this.#options.countChanges()) return undefined
    if (known.isHead && method !== 'HEAD') return undefined
    return this.#holds(known) ? known : undefined
  }

  /** What is found out for a request from now on may be given to {@link remember}. */
  begin({ state }: Pick<Context, 'state'>): void {
    state.changes = this.#options.countChanges()
  }

  /** An answer was given for a request that {@link find} knew nothing for. */
  remember({ req, state, querystring }: Context, given: GivenManifest): void {
    const { changes, identity } = state
    const { url, headers, method } = req
    if (headers.authorization !== undefined) return
    // `?ns=` hangs on `Host`; it is seldom the same client's way for long.
    if (changes === undefined || identity === undefined || url === undefined || querystring !== '') return
    const { freshUntilMs, bytes } = given.pulled
    if (freshUntilMs === undefined || bytes === undefined || bytes.length > MAX_BYTES) return
    const atMs = this.#options.now()
    const untilMs = Math.min(atMs + KNOWN_FOR_MS, freshUntilMs)
    this.#known.set(url, { ...given, identity, isHead: method === 'HEAD', changes, atMs, untilMs })
  }

  /** A clock that went back makes nothing last longer. */
  #holds({ atMs, untilMs }: Remembered): boolean {
    const nowMs = this.#options.now()
    return nowMs >= atMs && nowMs < untilMs
  }
}
