/**
 * One HTTP/1.1 connection that costs next to nothing: answers are read into one buffer that all connections of the process
 * share, and dropped; of a head only the status, the length and what a push needs are looked at.
 */
import { readFileSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Where to connect. */
export interface Target {
  readonly host: string
  readonly port: number
  /** PEM file of the authority that the server's certificate hangs on; unset: no TLS. */
  readonly caFile?: string | undefined
}

/** Head of an answer. */
export interface Head {
  readonly status: number
  readonly text: string
}

/** Who is told of what comes. */
export interface Listener {
  /** A head has come; with bytes of the body, or not yet. */
  readonly onHead?: (head: Head) => void
  /** Bytes of the body have come. */
  readonly onBody?: (bytes: number) => void
  /** The answer is whole. */
  readonly onEnd: (bodyBytes: number) => void
  readonly onFailure: (error: Error) => void
}

/** Large, so that a read takes all that the kernel has. */
const READ_BYTES = 1024 * 1024
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

const HEAD_END = Buffer.from('\r\n\r\n')
const LENGTH = /\r\ncontent-length: *(\d+)/i
const MAX_HEAD_BYTES = 64 * 1024

/** `HTTP/1.1 200`: where the status stands. */
const STATUS_AT = 9

/** What clients send with every request: without it distribution hides OCI manifests. */
export const ACCEPT = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ')

/** The bytes of a request without a body. */
export const formatRequest = (
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Buffer => {
  const lines = Object.entries({ Host: 'registry', Accept: ACCEPT, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
}

/** A connection in use: one request at a time. */
export class Connection {
  readonly #socket: Socket
  #listener: Listener | undefined
  #isHead = false
  #partialHead: Buffer | undefined
  /** Bytes of body still to come; `undefined`: the head is still to come. */
  #left: number | undefined
  #bodyBytes = 0

  private constructor(target: Target) {
    const onread = { buffer: shared, callback: (bytes: number) => this.#onBytes(bytes) }
    const { host, port, caFile } = target
    const options = { host, port, onread, noDelay: true }
    // `onread` is not in the types of TLS, but it is what TLS hands on to the socket below.
    this.#socket =
      caFile === undefined
        ? connectPlain(options)
        : connectTls({ ...options, ca: readFileSync(caFile), servername: 'localhost' } as object)
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /** Connects. Requests may be sent at once. */
  static open(target: Target): Connection {
    return new Connection(target)
  }

  /** Sends a request; the answer to the one before must be whole. */
  send(request: Uint8Array, isHead: boolean, listener: Listener): void {
    this.#listener = listener
    this.#isHead = isHead
    this.#left = undefined
    this.#bodyBytes = 0
    this.#socket.write(request)
  }

  /** Sends more of a request's body. Resolves when more may follow. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve())
    })
  }

  close(): void {
    this.#listener = undefined
    this.#socket.destroy()
  }

  #onBytes(bytes: number): boolean {
    let from = 0
    while (from < bytes && this.#listener !== undefined) {
      if (this.#left === undefined) from = this.#readHead(from, bytes)
      else from = this.#readBody(from, bytes)
    }
    return true
  }

  #readHead(from: number, to: number): number {
    const chunk = shared.subarray(from, to)
    const before = this.#partialHead?.length ?? 0
    const all = this.#partialHead === undefined ? chunk : Buffer.concat([this.#partialHead, chunk])
    const end = all.indexOf(HEAD_END)
    if (end < 0) {
      this.#partialHead = Buffer.from(all)
      if (all.length > MAX_HEAD_BYTES) this.#fail(new Error('a head without an end'))
      return to
    }
    this.#partialHead = undefined
    const text = all.toString('latin1', 0, end)
    const status = Number(text.slice(STATUS_AT, STATUS_AT + 3))
    if (status >= 200) {
      const { onHead } = this.#listener as Listener
      this.#left = this.#isHead || status === 204 || status === 304 ? 0 : Number(LENGTH.exec(text)?.[1])
      if (Number.isNaN(this.#left)) this.#fail(new Error(`an answer of unknown length:\n${text}`))
      onHead?.({ status, text })
      if (this.#left === 0) this.#end()
    }
    return from + end + HEAD_END.length - before
  }

  #readBody(from: number, to: number): number {
    const left = this.#left as number
    const taken = Math.min(left, to - from)
    this.#left = left - taken
    this.#bodyBytes += taken
    this.#listener?.onBody?.(taken)
    if (this.#left === 0) this.#end()
    return from + taken
  }

  #end(): void {
    const listener = this.#listener
    this.#listener = undefined
    listener?.onEnd(this.#bodyBytes)
  }

  #fail(error: Error): void {
    const listener = this.#listener
    this.#listener = undefined
    this.#socket.destroy()
    listener?.onFailure(error)
  }
}
