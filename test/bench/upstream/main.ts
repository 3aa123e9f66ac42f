/** The upstream's process. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeUnpackable, type UnpackableRecipe } from '../unpackable.ts'
import { answerCalls } from '../workers/worker.ts'
import { Link } from './link.ts'
import { type Counts, Registry, type Stock } from './registry.ts'

/** What an upstream is. */
export interface UpstreamOptions {
  /** Of the whole wire; unset: no bound. */
  readonly bytesPerS?: number
  /** Before each answer, in milliseconds. */
  readonly latencyMs?: number
  /** Speaks TLS, wants tokens, and redirects blobs to a second host, as Docker Hub does. */
  readonly hub?: { readonly certFile: string; readonly keyFile: string } | undefined
}

const KEEP_ALIVE_MS = 60_000
/** A second address of this machine: another host, to clients. */
const BLOB_HOST = '127.0.0.2'

let registry: Registry | undefined

const listen = async (server: Server, host: string): Promise<string> => {
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.listen(0, host)
  await once(server, 'listening')
  return `${host}:${(server.address() as AddressInfo).port}`
}

const current = (): Registry => {
  if (registry === undefined) throw new Error('the upstream was not started')
  return registry
}

/** Starts it. @returns its origin */
const start = async ({ bytesPerS, latencyMs = 0, hub }: UpstreamOptions): Promise<string> => {
  const link = new Link(bytesPerS)
  if (hub === undefined) {
    registry = new Registry({ link, latencyMs, blobsAt: undefined, wantsTokens: false })
    return `http://${await listen(createServer(registry.registry), '127.0.0.1')}`
  }
  const pair = { cert: readFileSync(hub.certFile), key: readFileSync(hub.keyFile) }
  const blobs = createTlsServer(pair)
  const blobsAt = `https://${await listen(blobs, BLOB_HOST)}`
  registry = new Registry({ link, latencyMs, blobsAt, wantsTokens: true })
  blobs.on('request', registry.blobHost)
  return `https://${await listen(createTlsServer(pair, registry.registry), '127.0.0.1')}`
}

answerCalls({
  start,
  add: async (stock: Stock): Promise<void> => current().add(stock),
  addUnpackable: async ({ recipe, tag }: { recipe: UnpackableRecipe; tag: string }): Promise<void> =>
    current().addUnpackable(makeUnpackable(recipe), tag),
  counts: async (): Promise<Counts> => current().counts,
})
