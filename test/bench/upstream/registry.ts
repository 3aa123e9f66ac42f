/**
 * A registry that only answers pulls, from memory: manifests, and blobs, most of them made while they are sent. It counts
 * what it is asked, and can want tokens and redirect blobs to another host, as Docker Hub does.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { blockReader, type ReadBlock, type Recipe } from '../content.ts'
import type { Unpackable } from '../unpackable.ts'
import type { Link } from './link.ts'

/** A blob that is there. */
export interface ServedBlob extends Recipe {
  readonly digest: string
}

/** A manifest that is there. */
export interface ServedManifest {
  readonly digest: string
  readonly mediaType: string
  readonly text: string
  readonly tags: readonly string[]
}

/** What is there; every repository has all of it. */
export interface Stock {
  readonly blobs: readonly ServedBlob[]
  readonly manifests: readonly ServedManifest[]
}

/** Requests so far. */
export interface Counts {
  manifests: number
  blobs: number
  tokens: number
}

/** How the registry behaves. */
export interface RegistryOptions {
  readonly link: Link
  /** Before each answer, in milliseconds; on a new connection as much again, for its making. */
  readonly latencyMs: number
  /** Base URL of another host that blobs are redirected to. */
  readonly blobsAt?: string | undefined
  /** Whether a token is wanted. */
  readonly wantsTokens: boolean
}

/** A blob, and how it is read. */
interface Readable {
  readonly sizeBytes: number
  open(): ReadBlock
}

const TOKEN = 'bench-token'
const PATH = /^\/v2\/(?:.+)\/(manifests|blobs)\/([^/?]+)/
const RANGE = /^bytes=(\d+)-(\d*)$/

/** The registry and the host that it redirects to, as request listeners. */
export class Registry {
  readonly counts: Counts = { manifests: 0, blobs: 0, tokens: 0 }
  readonly #options: RegistryOptions
  readonly #blobs = new Map<string, Readable>()
  readonly #manifests = new Map<string, ServedManifest>()
  readonly #seen = new WeakSet<object>()

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  add({ blobs, manifests }: Stock): void {
    for (const blob of blobs)
      this.#blobs.set(blob.digest, { sizeBytes: blob.sizeBytes, open: () => blockReader(blob) })
    for (const manifest of manifests)
      for (const reference of [manifest.digest, ...manifest.tags]) this.#manifests.set(reference, manifest)
  }

  addUnpackable({ manifest, blobs }: Unpackable, tag: string): void {
    for (const { digest, sizeBytes, bytes } of blobs) {
      const read: ReadBlock = (position, length) => bytes.subarray(position, position + length)
      this.#blobs.set(digest, { sizeBytes, open: () => read })
    }
    const { digest, mediaType } = manifest
    this.add({ blobs: [], manifests: [{ digest, mediaType, text: manifest.bytes.toString(), tags: [tag] }] })
  }

  /** The registry. */
  readonly registry: RequestListener = (req, res) => {
    void this.#delay(req).then(() => this.#answer(req, res))
  }

  /** The host that blobs are redirected to. */
  readonly blobHost: RequestListener = (req, res) => {
    void this.#delay(req).then(() => this.#answerBlob(req, res, req.url?.split('/').at(-1) ?? ''))
  }

  async #delay({ socket }: IncomingMessage): Promise<void> {
    const { latencyMs } = this.#options
    if (latencyMs === 0) return
    // The round trips of a new connection: one for TCP, one more for TLS.
    const trips = this.#seen.has(socket) ? 1 : 'encrypted' in socket ? 3 : 2
    this.#seen.add(socket)
    await sleep(latencyMs * trips)
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const url = req.url ?? '/'
    const isAllowed = !this.#options.wantsTokens || req.headers.authorization === `Bearer ${TOKEN}`
    const [, kind, reference = ''] = PATH.exec(url) ?? []
    if (url.startsWith('/token')) this.#answerToken(res)
    else if (!isAllowed) this.#challenge(req, res)
    else if (kind === undefined) res.writeHead(200, { 'Content-Length': 2 }).end('{}')
    else if (kind === 'manifests') this.#answerManifest(req, res, decodeURIComponent(reference))
    else if (this.#options.blobsAt === undefined) this.#answerBlob(req, res, reference)
    else res.writeHead(307, { Location: `${this.#options.blobsAt}/${reference}`, 'Content-Length': 0 }).end()
  }

  #answerToken(res: ServerResponse): void {
    this.counts.tokens += 1
    const body = JSON.stringify({ token: TOKEN, expires_in: 300 })
    res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body)
  }

  #challenge(req: IncomingMessage, res: ServerResponse): void {
    const realm = `http${'encrypted' in req.socket ? 's' : ''}://${req.headers.host}/token`
    const challenge = `Bearer realm="${realm}",service="upstream"`
    res.writeHead(401, { 'WWW-Authenticate': challenge, 'Content-Length': 0 }).end()
  }

  #answerManifest(req: IncomingMessage, res: ServerResponse, reference: string): void {
    this.counts.manifests += 1
    const manifest = this.#manifests.get(reference)
    if (manifest === undefined) return void res.writeHead(404, { 'Content-Length': 0 }).end()
    res.writeHead(200, {
      'Content-Type': manifest.mediaType,
      'Content-Length': Buffer.byteLength(manifest.text),
      'Docker-Content-Digest': manifest.digest,
      ETag: `"${manifest.digest}"`,
    })
    res.end(req.method === 'HEAD' ? undefined : manifest.text)
  }

  #answerBlob(req: IncomingMessage, res: ServerResponse, digest: string): void {
    const blob = this.#blobs.get(digest)
    if (blob === undefined) return void res.writeHead(404, { 'Content-Length': 0 }).end()
    const [, from, to] = RANGE.exec(req.headers.range ?? '') ?? []
    const first = Number(from ?? 0)
    const end = to ? Math.min(Number(to) + 1, blob.sizeBytes) : blob.sizeBytes
    res.writeHead(from === undefined ? 200 : 206, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': end - first,
      'Docker-Content-Digest': digest,
      ETag: `"${digest}"`,
      ...(from !== undefined && { 'Content-Range': `bytes ${first}-${end - 1}/${blob.sizeBytes}` }),
    })
    if (req.method === 'HEAD') return void res.end()
    this.counts.blobs += 1
    this.#options.link.send(res, blob.open(), first, end)
  }
}
