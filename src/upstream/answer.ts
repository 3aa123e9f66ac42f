/**
 * The answer to one request of an upstream: its head, and its body as it arrives. The body is the readable stream
 * itself, with nothing between it and the socket: a gigabyte costs no more than its chunks, which are given out as they
 * came. A stream of bytes would copy together what has gathered whenever it is read, a tenth of what a download costs.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

/** Bytes of a body that wait in memory for their reader. */
const READ_AHEAD_BYTES = 1024 * 1024

/** How often the bytes of a body are told, in bytes: seldom enough to cost nothing, often enough to watch. */
const METER_STEP_BYTES = 1024 * 1024

/** Most bytes of an unwanted body that are read so that its connection can be used again. */
const MAX_DISCARDED_BYTES = 64 * 1024

/** An answer whose body is still to be read or destroyed. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: AnswerBody
  /** What was asked in the end, after redirects. */
  readonly url: URL
}

/** The body of an answer. What has arrived before a failure is still given out; then comes the error. */
export class AnswerBody extends Readable {
  readonly #controller: Dispatcher.DispatchController
  readonly #meter: (bytes: number) => void
  #receivedBytes = 0
  #toldBytes = 0
  #waitingBytes = 0
  #isComplete = false
  #failure: Error | undefined

  /** @param meter told of bytes as they come, each once */
  constructor(controller: Dispatcher.DispatchController, meter: (bytes: number) => void) {
    super({ objectMode: true })
    this.#controller = controller
    this.#meter = meter
    // Whoever reads it learns of an error; one that comes before anybody reads must not end the process.
    this.on('error', () => {})
  }

  /** Bytes that came so far. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Takes bytes from the connection, which rests while more wait than is good. */
  receive(chunk: Buffer): void {
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes - this.#toldBytes >= METER_STEP_BYTES) this.#tell()
    this.push(chunk)
    // Somebody who listens to events has had it already.
    if (this.readableLength > 0) this.#waitingBytes += chunk.length
    if (this.#waitingBytes >= READ_AHEAD_BYTES) this.#controller.pause()
  }

  /** The whole body has come. */
  complete(): void {
    this.#isComplete = true
    this.push(null)
  }

  /** Nothing more will come. */
  fail(error: Error): void {
    this.#isComplete = true
    this.#failure = error
    if (this.readableLength === 0) this.destroy(error)
  }

  override read(size?: number): unknown {
    const chunk: Buffer | null = super.read(size)
    if (chunk !== null) this.#waitingBytes -= chunk.length
    this._read()
    if (this.#failure !== undefined && this.readableLength === 0)
      process.nextTick(() => this.destroy(this.#failure))
    return chunk
  }

  override _read(): void {
    if (!this.#isComplete && this.#waitingBytes < READ_AHEAD_BYTES) this.#controller.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isComplete) this.#controller.abort(error ?? new Error('the rest of the body is not wanted'))
    this.#isComplete = true
    this.#tell()
    callback(error)
  }

  #tell(): void {
    if (this.#receivedBytes > this.#toldBytes) this.#meter(this.#receivedBytes - this.#toldBytes)
    this.#toldBytes = this.#receivedBytes
  }
}

/** One value of a header; of several the first. */
export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'object' ? value[0] : value
}

/** `Content-Length`, or `undefined` where it is missing or no number. */
export const contentLengthOf = (headers: IncomingHttpHeaders): number | undefined => {
  const length = Number(headerOf(headers, 'content-length') ?? Number.NaN)
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined
}

/** `Content-Type` in lower case and without parameters; empty where it is missing. */
export const mediaTypeOfAnswer = (headers: IncomingHttpHeaders): string =>
  (headerOf(headers, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase()

/** Lets go of a body that nobody wants: a short one is read to its end, any other is cut. */
export const discard = (body: AnswerBody): void => {
  body.on('data', () => {
    if (body.receivedBytes > MAX_DISCARDED_BYTES) body.destroy()
  })
}

/** The body as bytes, or `undefined` where it is longer than `maxBytes`; then it is destroyed. */
export const readBody = async (body: AnswerBody, maxBytes: number): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    if (body.receivedBytes > maxBytes) return undefined
  }
  return Buffer.concat(chunks)
}
