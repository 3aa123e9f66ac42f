/**
 * A web hook's other end: a real HTTP server on a free loopback port that keeps what is posted to it and answers as it is
 * told.
 *
 *     const receiver = await startReceiver()
 *     receiver.answers.push(500, 'silence')       // to the next two posts; 200 afterwards
 *     const [first] = await receiver.received(1)  // when so many have come in all
 *     await receiver.close()
 */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { listenOnKeptPort } from './kept-port.ts'

/** A post as it came. */
export interface ReceivedPost {
  readonly method: string
  /** As sent: a path, or a whole URL where we are taken for a proxy. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What to answer: a status, or nothing. */
export type ScriptedAnswer = number | 'silence' | 'hang up'

/** See the top of this file. */
export class Receiver {
  readonly posts: ReceivedPost[] = []
  readonly answers: ScriptedAnswer[] = []
  readonly #server = createServer((req, res) => void this.#receive(req, res).catch(() => res.destroy()))
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = []
  #port = 0

  /** `http://127.0.0.1:<port>/hook`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`
  }

  /** Opens the port, the same one as before a {@link stop}. */
  async start(): Promise<void> {
    this.#port = await listenOnKeptPort(this.#server, this.#port)
  }

  /** Cuts every connection and refuses new ones. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  /** Resolves when at least `count` posts have come since the start. */
  async received(count: number): Promise<readonly ReceivedPost[]> {
    if (this.posts.length < count)
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
    return this.posts
  }

  async #receive(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = req
    this.posts.push({ method, url, headers, body: await text(req) })
    const answer = this.answers.shift() ?? 200
    if (answer === 'hang up') res.destroy()
    else if (answer !== 'silence') res.writeHead(answer).end('seen')
    for (const { resolve } of this.#waiting.filter(({ count }) => this.posts.length >= count)) resolve()
  }
}

/** Starts a receiver; whoever starts it stops it. */
export const startReceiver = async (): Promise<Receiver> => {
  const receiver = new Receiver()
  await receiver.start()
  return receiver
}
