/** One listening port of the scripted upstream. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { listenOnKeptPort } from '../kept-port.ts'

/** A certificate and its key, PEM. */
export interface TlsPair {
  readonly certificate: string
  readonly key: string
}

/** A server that keeps its port while it is stopped, and can say how many sockets it has. */
export class Origin {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #scheme: 'http' | 'https'
  #port = 0

  constructor(listener: RequestListener, tls: TlsPair | undefined) {
    const options = { keepAliveTimeout: 60_000 }
    this.#scheme = tls === undefined ? 'http' : 'https'
    this.#server =
      tls === undefined
        ? createServer(options, listener)
        : createTlsServer({ ...options, cert: tls.certificate, key: tls.key }, listener)
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  async start(): Promise<void> {
    this.#port = await listenOnKeptPort(this.#server, this.#port)
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = [this.#server, ...this.#sockets].map((each) => once(each, 'close'))
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
  }
}
