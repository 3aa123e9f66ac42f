/** One request and its answer over a dispatcher of undici, with a deadline for the head and one for a silent body. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { type Answer, AnswerBody } from './answer.ts'
import { lateError } from './failure.ts'

/** A request to be sent. */
export interface Exchange {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  /** What is asked of whom, for messages: `docker.io, manifest of library/alpine:latest`. */
  readonly what: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Ends it, also while its body is on the way. */
  readonly signal?: AbortSignal | undefined
  /** Until the head of the answer is here, in milliseconds. */
  readonly headMs: number
  /** A body without a new byte while somebody reads it, in milliseconds. */
  readonly stallMs: number
}

/** What an exchange tells besides its answer. */
export interface ExchangeHooks {
  /** A failure of the connection → what the caller is told; `hasHead`: it came in the middle of the body. */
  readonly translate: (error: Error, hasHead: boolean) => Error
  /** Told of the bytes of bodies as they come. */
  readonly meter: (bytes: number) => void
}

const FIRST_FINAL_STATUS = 200

/** The state of one exchange, as undici reports it. */
class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange
  readonly #hooks: ExchangeHooks
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  readonly #headTimer: NodeJS.Timeout
  readonly #onAbort = () => this.#end(this.#exchange.signal?.reason)
  #controller: Dispatcher.DispatchController | undefined
  #body: AnswerBody | undefined
  #ended: Error | undefined

  constructor(
    exchange: Exchange,
    hooks: ExchangeHooks,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#exchange = exchange
    this.#hooks = hooks
    this.#resolve = resolve
    this.#reject = reject
    const late = () => this.#end(lateError(exchange.headMs))
    this.#headTimer = setTimeout(late, exchange.headMs)
    exchange.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended !== undefined) controller.abort(this.#ended)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < FIRST_FINAL_STATUS) return
    clearTimeout(this.#headTimer)
    this.#body = new AnswerBody(controller, this.#hooks.meter)
    this.#body.once('close', () => this.#exchange.signal?.removeEventListener('abort', this.#onAbort))
    this.#resolve({ status, headers, body: this.#body, url: this.#exchange.url })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.receive(chunk)
  }

  onResponseEnd(): void {
    this.#body?.complete()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const reported = this.#ended ?? this.#hooks.translate(error, this.#body !== undefined)
    if (this.#body === undefined) this.#settleWithoutAnswer(reported)
    else this.#body.fail(reported)
  }

  /** Ends the exchange for a reason of our own: before its connection is there, under way, or in its body. */
  #end(reason: unknown): void {
    this.#ended = reason instanceof Error ? reason : new Error('ended', { cause: reason })
    if (this.#body !== undefined) this.#body.destroy(this.#ended)
    else this.#settleWithoutAnswer(this.#ended)
    this.#controller?.abort(this.#ended)
  }

  #settleWithoutAnswer(error: Error): void {
    clearTimeout(this.#headTimer)
    this.#exchange.signal?.removeEventListener('abort', this.#onAbort)
    this.#reject(error)
  }
}

/**
 * Sends a request. Resolves with the head of its answer; the caller reads the body or destroys it.
 * @throws UpstreamError `timeout` where no head comes in time, what `hooks.translate` makes of a failure, or the reason of the signal
 */
export const exchange = (dispatcher: Dispatcher, request: Exchange, hooks: ExchangeHooks): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request.signal?.throwIfAborted()
    const { method, url, headers, body, stallMs } = request
    const handler = new ExchangeHandler(request, hooks, resolve, reject)
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { ...headers },
        body: body ?? null,
        // The head has a deadline of its own, which covers connecting too.
        headersTimeout: 0,
        bodyTimeout: stallMs,
        // undici closes a connection after a HEAD, for servers that send a body with it; a new one would cost every tag
        // that is asked for two or three round trips. Such a body only breaks the request after it, which is repeated.
        reset: false,
      },
      handler,
    )
  })
