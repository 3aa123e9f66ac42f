/**
 * What the scripted upstream can do wrong, and the script itself: faults wait in line for requests of their kind, and
 * each request meets the first that fits it.
 */
import type { IncomingHttpHeaders } from 'node:http'

/** The kinds of request that the scripted upstream counts and disturbs. `cdn` is where blobs are redirected to. */
export const REQUEST_KINDS = [
  'ping',
  'token',
  'manifest',
  'manifestHead',
  'blob',
  'blobHead',
  'tags',
  'referrers',
  'cdn',
  'cdnHead',
  'other',
] as const

/** One of {@link REQUEST_KINDS}; `manifest` and `blob` are GETs. */
export type RequestKind = (typeof REQUEST_KINDS)[number]

/** A request as the scripted upstream saw it. */
export interface SeenRequest {
  readonly kind: RequestKind
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Body of a `POST` to the token service. */
  body?: string
  /** Status that was answered; `undefined` until then, or where nothing was. */
  status?: number
}

/** A fault: first what replaces the answer, then what changes it, then what happens to its body. */
export interface Fault {
  /** How many requests meet it; default 1. `Infinity`: all, until {@link ActiveFault.clear}. */
  readonly times?: number
  /** Only requests for which this holds. */
  readonly when?: (request: SeenRequest) => boolean

  /** Close the connection without an answer. */
  readonly refuse?: true
  /** Do not answer before {@link ActiveFault.release}; then as ever. */
  readonly hang?: true
  /** Answer this status, with `headers` and `body`, instead of the truth. */
  readonly status?: number
  readonly body?: string | Buffer
  /** Added to the answer (or to that of `status`), replacing headers of the same name. */
  readonly headers?: Readonly<Record<string, string>>
  /** Headers left out of the answer. `content-length` makes it chunked. */
  readonly omit?: readonly string[]
  /** Answer a `Range` with 200 and the whole. */
  readonly ignoreRange?: true
  /** Announce and send a 206 that begins this many bytes later (or, negative, earlier) than asked. */
  readonly shiftRangeBy?: number
  /** Wait this long before answering. For benchmarks and for watching, not for tests to rely on. */
  readonly latencyMs?: number

  /** Close the connection after this many bytes of the body. */
  readonly dropAt?: number
  /** Stop after this many bytes of the body until {@link ActiveFault.release}; then go on. */
  readonly hangAt?: number
  /** Flip the byte at this offset of the body. */
  readonly corruptAt?: number
  /** Send a body longer (or, negative, shorter) than the truth, with a `Content-Length` and size that agree with it. */
  readonly growBy?: number
  /** Send no faster than this. */
  readonly bytesPerSecond?: number
}

/** A fault in force. */
export interface ActiveFault {
  /** Resolves when a request has met it: for `hang` and `hangAt`, when it stands there. */
  readonly met: Promise<void>
  /** Requests that met it so far. */
  readonly count: number
  /** Lets everything that hangs in it go on, now and later. */
  release(): void
  /** No further request meets it; what hangs goes on. */
  clear(): void
}

/** A fault with its state, for the server. */
export class ScriptedFault implements ActiveFault {
  readonly fault: Fault
  readonly met: Promise<void>
  readonly released: Promise<void>
  count = 0
  #left: number
  #isReleased = false
  #meet: () => void = () => {}
  #release: () => void = () => {}

  constructor(fault: Fault) {
    this.fault = fault
    this.#left = fault.times ?? 1
    this.met = new Promise((resolve) => {
      this.#meet = resolve
    })
    this.released = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  /** Whether no request meets it any more, and none hangs in it. */
  get isOver(): boolean {
    const { hang, hangAt } = this.fault
    return this.#left <= 0 && (this.#isReleased || (hang === undefined && hangAt === undefined))
  }

  /** Whether `request` meets this fault; if so, that is counted. */
  take(request: SeenRequest): boolean {
    if (this.#left <= 0 || this.fault.when?.(request) === false) return false
    this.#left -= 1
    this.count += 1
    if (this.fault.hangAt === undefined) this.#meet()
    return true
  }

  /** Waits where the fault says to hang. */
  async hang(): Promise<void> {
    this.#meet()
    await this.released
  }

  release(): void {
    this.#isReleased = true
    this.#release()
  }

  clear(): void {
    this.#left = 0
    this.release()
  }
}
