/** What the servers of the upstream were asked, so that a test can count it. */
import type { IncomingMessage } from 'node:http'

/** A kind of request. `cdn` is a request at the second origin, where blobs are redirected to. */
export type RequestKind = 'ping' | 'manifest' | 'blob' | 'tags' | 'referrers' | 'token' | 'cdn' | 'other'

/** A request as a server of the upstream saw it. */
export interface SeenRequest {
  readonly kind: RequestKind
  readonly method: string
  /** Repository; empty where the path names none. */
  readonly name: string
  /** Tag or digest; empty where the path names none. */
  readonly reference: string
  readonly range: string | undefined
  readonly hasAuthorization: boolean
}

const PATHS: readonly (readonly [RequestKind, RegExp])[] = [
  ['ping', /^\/v2\/?$/],
  ['manifest', /^\/v2\/(?<name>.+)\/manifests\/(?<reference>[^/]+)$/],
  ['blob', /^\/v2\/(?<name>.+)\/blobs\/(?<reference>[^/]+)$/],
  ['tags', /^\/v2\/(?<name>.+)\/tags\/list$/],
  ['referrers', /^\/v2\/(?<name>.+)\/referrers\/(?<reference>[^/]+)$/],
  ['token', /^\/token$/],
  ['cdn', /^\/cdn\/(?<reference>[^/]+)$/],
]

/** Reads off a request what is asked in it. */
export const readRequest = (req: IncomingMessage): SeenRequest => {
  const path = decodeURIComponent(new URL(req.url ?? '/', 'http://any').pathname)
  const seen = {
    method: req.method ?? 'GET',
    range: req.headers.range,
    hasAuthorization: req.headers.authorization !== undefined,
  }
  for (const [kind, pattern] of PATHS) {
    const match = pattern.exec(path)
    if (match)
      return { kind, ...seen, name: match.groups?.name ?? '', reference: match.groups?.reference ?? '' }
  }
  return { kind: 'other', ...seen, name: '', reference: '' }
}

/** The requests of one upstream, in order. */
export class RequestLog {
  readonly #seen: SeenRequest[] = []

  add(request: SeenRequest): void {
    this.#seen.push(request)
  }

  /** Those that agree with `wanted` in every field given. */
  matching(wanted: Partial<SeenRequest>): SeenRequest[] {
    const fields = Object.entries(wanted) as [keyof SeenRequest, unknown][]
    return this.#seen.filter((request) => fields.every(([field, value]) => request[field] === value))
  }

  /** How many agree with `wanted` in every field given. */
  count(wanted: Partial<SeenRequest>): number {
    return this.matching(wanted).length
  }

  /** Forgets all. */
  clear(): void {
    this.#seen.length = 0
  }
}
