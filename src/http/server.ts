/**
 * Listeners: an address, TLS or none, limits of time and number, and a drain. `Server` begins to listen, and ends without cutting
 * off transfers before their time.
 */
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TlsFiles } from './tls.ts'

/** Longest TLS handshake, in milliseconds. */
const HANDSHAKE_MS = 15_000

/** How often headers that take too long are looked for, at most, in milliseconds. */
const CHECK_INTERVAL_MS = 5000

/** Where and how to listen. */
export interface ListenOptions {
  /** `host:port`, `:port`, or a path where `isUnix`. */
  readonly addr: string
  readonly isUnix?: boolean
  /** Where the listener speaks TLS. */
  readonly tls?: TlsFiles | undefined
  readonly limits: ListenLimits
}

/** Bounds of a listener; times in milliseconds. */
export interface ListenLimits {
  /** A client that takes or sends no byte. */
  readonly clientStallMs: number
  readonly requestHeaderMs: number
  readonly keepAliveMs: number
  readonly headerBytes: number
  readonly connections: number
}

/** Host and port of `host:port`; an empty host means all addresses. Brackets of IPv6 are taken off. */
const parseAddr = (addr: string): { host: string | undefined; port: number } => {
  const colon = addr.lastIndexOf(':')
  const host = addr.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, '')
  return { host: host === '' ? undefined : host, port: Number(addr.slice(colon + 1)) }
}

const SERVER_FULL =
  'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nConnection: close\r\n\r\n' +
  '{"errors":[{"code":"UNAVAILABLE","message":"too many connections"}]}\n'

/** A listener in use. */
export class Listener {
  readonly #server: HttpServer | HttpsServer
  readonly #options: ListenOptions
  /** Connections that requests can come on: with TLS, once they have shaken hands. */
  readonly #sockets = new Set<Socket>()
  readonly #busy = new Map<Socket, number>()
  #connections = 0

  constructor(listener: RequestListener, options: ListenOptions) {
    const { limits, tls } = options
    this.#options = options
    const settings = {
      requestTimeout: 0,
      headersTimeout: limits.requestHeaderMs,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.requestHeaderMs),
      keepAliveTimeout: limits.keepAliveMs,
      maxHeaderSize: limits.headerBytes,
      noDelay: true,
    }
    const handshakeTimeout = Math.min(HANDSHAKE_MS, limits.requestHeaderMs)
    const server =
      tls === undefined
        ? createHttpServer(settings, listener)
        : createHttpsServer({ ...settings, ...tls.serverOptions, handshakeTimeout }, listener)
    this.#server = server
    server.timeout = limits.clientStallMs
    server.on('connection', (socket: Socket) => this.#admit(socket))
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#keep(socket))
    server.on('request', (req, res) => {
      this.#busy.set(req.socket, (this.#busy.get(req.socket) ?? 0) + 1)
      res.once('close', () => this.#busy.set(req.socket, (this.#busy.get(req.socket) ?? 1) - 1))
    })
    if (tls !== undefined) tls.attach(server as HttpsServer)
  }

  /** Begins to listen. @returns the address, with the real port. @throws the operating system's error */
  async listen(): Promise<string> {
    const { addr, isUnix } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      const done = (): void => {
        this.#server.off('error', reject)
        resolve()
      }
      if (isUnix === true) this.#server.listen(addr, done)
      else this.#server.listen({ ...parseAddr(addr), exclusive: false }, done)
    })
    const bound = this.#server.address() as AddressInfo | string
    if (typeof bound === 'string') return bound
    return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
  }

  /** Takes no new connection, lets what is under way end within `drainMs` milliseconds, then cuts it off. */
  async close(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    // A connection between two requests is closed as soon as the one under way has been answered.
    this.#server.keepAliveTimeout = 1
    const timer = setTimeout(() => this.#server.closeAllConnections(), drainMs)
    await closed
    clearTimeout(timer)
    this.#options.tls?.close()
  }

  /** At the limit an idle connection is closed first; where there is none the new one gets a 503, or with TLS nothing. */
  #admit(socket: Socket): void {
    const { limits, tls } = this.#options
    if (this.#connections >= limits.connections && !this.#closeIdle()) {
      if (tls === undefined) socket.end(SERVER_FULL)
      else socket.destroy()
      return
    }
    this.#connections++
    socket.once('close', () => this.#connections--)
  }

  #keep(socket: Socket): void {
    if (socket.writableEnded || socket.destroyed) return
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#busy.delete(socket)
    })
  }

  #closeIdle(): boolean {
    for (const socket of this.#sockets) {
      // One that has not asked anything yet is not idle but new.
      if (this.#busy.get(socket) !== 0) continue
      socket.destroy()
      this.#sockets.delete(socket)
      return true
    }
    return false
  }
}
