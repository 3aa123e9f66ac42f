/**
 * Headers of every answer: distribution's version, and `http.headers`. What an answer says itself comes before them.
 * Answers that are asked for most go past Koa in one piece: setting each header, looking it up and writing it at the end
 * costs more than everything else that is done for a manifest.
 */
import type { ServerResponse } from 'node:http'

/** What answers that go past Koa may say themselves, in lower case. */
const OWN_HEADERS = new Set([
  'accept-ranges',
  'cache-control',
  'content-length',
  'content-range',
  'content-type',
  'docker-content-digest',
  'etag',
  'warning',
])

/** Headers that all answers of a server have in common. */
export class CommonHeaders {
  readonly #entries: readonly (readonly [string, readonly string[]])[]
  /** Names and values in turn, as `writeHead` takes them. */
  readonly #fields: readonly string[]
  readonly #mayClash: boolean

  /** @param headers `http.headers`: name → values */
  constructor(headers: Readonly<Record<string, readonly string[]>>) {
    this.#entries = [['Docker-Distribution-Api-Version', ['registry/2.0']], ...Object.entries(headers)]
    this.#fields = this.#entries.flatMap(([name, values]) => values.flatMap((value) => [name, value]))
    this.#mayClash = this.#entries.some(([name]) => OWN_HEADERS.has(name.toLowerCase()))
  }

  /** Sets those that are not there yet. */
  set(res: ServerResponse): void {
    for (const [name, values] of this.#entries)
      if (!res.hasHeader(name)) res.setHeader(name, values.length === 1 ? (values[0] as string) : values)
  }

  /**
   * Writes status and headers at once.
   * @param fields names and values in turn, none of a name that was set before
   */
  write(res: ServerResponse, status: number, fields: readonly string[]): void {
    if (this.#mayClash) this.set(res)
    res.writeHead(status, this.#mayClash ? [...fields] : [...this.#fields, ...fields])
  }
}
