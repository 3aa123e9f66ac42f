/**
 * Talks to a registry as the public conformance suites do (OCI distribution-spec, `conformance/`). On node:http, since
 * they send what other clients of Node cannot: a chunked body of no bytes, several lines of one header.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** The registry to test. */
export interface Target {
  /** `http://127.0.0.1:5000` */
  readonly origin: string
  /** Two repositories that nobody has pushed to yet. */
  readonly repository1: string
  readonly repository2: string
  /** Other seed, other names, digests and content. */
  readonly seed: string
}

/** What to send besides a method and a path. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: Uint8Array
  /** Send the body, even one of no bytes, without a `Content-Length`. */
  readonly isChunked?: boolean
}

/** An answer, read to its end. */
export interface Answer {
  /** `GET /v2/`: for messages. */
  readonly request: string
  readonly url: URL
  readonly status: number
  readonly bytes: Buffer
  /** The first value of a header. */
  header(name: string): string | undefined
  /** All values of a header, those of a comma list apart. */
  list(name: string): string[]
}

/** Longest wait for a whole answer, in milliseconds: a registry may announce bytes that never come. */
const ANSWER_TIMEOUT_MS = 15_000

const toAnswer = (request: string, url: URL, message: IncomingMessage, bytes: Buffer): Answer => {
  const valuesOf = (name: string) => message.headersDistinct[name.toLowerCase()] ?? []
  return {
    request,
    url,
    status: message.statusCode ?? 0,
    bytes,
    header: (name) => valuesOf(name)[0],
    list: (name) => valuesOf(name).flatMap((value) => value.split(',').map((part) => part.trim())),
  }
}

/** A client of one registry. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true })
  readonly target: Target

  constructor(target: Target) {
    this.target = target
  }

  /**
   * Sends a request, and reads the answer.
   * @param place a path, or a URL that the registry gave
   */
  async send(method: string, place: string | URL, options: RequestOptions = {}): Promise<Answer> {
    const { body, isChunked = false } = options
    const url = new URL(place, this.target.origin)
    const takesPacked = method !== 'HEAD' && options.headers?.Range === undefined
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const request = httpRequest(url, { method, agent: this.#agent, signal })
    // Once the answer has begun, what fails fails its body, too.
    request.on('error', () => undefined)
    if (takesPacked) request.setHeader('Accept-Encoding', 'gzip')
    for (const [name, value] of Object.entries(options.headers ?? {})) request.setHeader(name, value)
    if (isChunked) request.setHeader('Transfer-Encoding', 'chunked')
    else if (!['GET', 'HEAD'].includes(method)) request.setHeader('Content-Length', body?.length ?? 0)
    request.end(body)
    const [message] = (await once(request, 'response')) as [IncomingMessage]
    const answer = toAnswer(`${method} ${url.pathname}${url.search}`, url, message, await buffer(message))
    assert.equal(answer.header('Content-Encoding'), undefined, `${answer.request}: the answer is compressed`)
    return answer
  }

  /** Sends a request that must be answered by one of `statuses`. */
  async expect(
    statuses: number | readonly number[],
    method: string,
    place: string | URL,
    options?: RequestOptions,
  ): Promise<Answer> {
    const answer = await this.send(method, place, options)
    const expected = typeof statuses === 'number' ? [statuses] : statuses
    if (expected.includes(answer.status)) return answer
    const excerpt = answer.bytes.toString().slice(0, 300)
    return assert.fail(
      `${answer.request} → ${answer.status} rather than ${expected.join(' or ')}: ${excerpt}`,
    )
  }

  /** Closes its connections. */
  close(): void {
    this.#agent.destroy()
  }
}

/** The client of the running suite; there is none before the registry runs. */
export type GetClient = () => Client

/** Where an answer leads, resolved against what was asked. */
export const locationOf = (answer: Answer): URL => {
  const location = answer.header('Location')
  assert.ok(location, `${answer.request} → ${answer.status} without a Location`)
  return new URL(location, answer.url)
}

/** A URL with one more parameter, its own kept. */
export const withQuery = (url: URL, name: string, value: string): URL => {
  const longer = new URL(url)
  longer.searchParams.append(name, value)
  return longer
}
