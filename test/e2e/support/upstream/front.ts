/**
 * The front of the upstream: docker-registry with the manners of Docker Hub. Everything passes through, and what
 * docker-registry would answer to a blob's GET with its bytes becomes a redirect to the second origin.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type RequestLog, readRequest } from './request-log.ts'

/** What stands behind the front. */
export interface FrontOptions {
  /** `host:port` of docker-registry. */
  readonly registry: string
  /** Absolute URL of a blob at the second origin. */
  readonly blobUrl: (digest: string) => string
  readonly log: RequestLog
}

const ask = (registry: string, req: IncomingMessage, method: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const [host, port] = registry.split(':')
    const outgoing = request({ host, port, method, path: req.url, headers: req.headers }, resolve)
    outgoing.on('error', reject)
    req.pipe(outgoing)
  })

const forward = async (registry: string, req: IncomingMessage, res: ServerResponse): Promise<void> => {
  const answer = await ask(registry, req, req.method ?? 'GET')
  res.writeHead(answer.statusCode ?? 502, answer.headers)
  await pipeline(answer, res)
}

/** docker-registry decides by a HEAD whether the asker may have the blob. */
const redirect = async (options: FrontOptions, digest: string, req: IncomingMessage, res: ServerResponse) => {
  const answer = await ask(options.registry, req, 'HEAD')
  answer.resume()
  if (answer.statusCode !== 200) return await forward(options.registry, req, res)
  res.writeHead(307, { location: options.blobUrl(digest), 'content-length': 0 }).end()
}

/** The front, not yet listening. */
export const createFront = (options: FrontOptions): Server =>
  createServer((req, res) => {
    const seen = readRequest(req)
    options.log.add(seen)
    const isBlobGet = seen.kind === 'blob' && seen.method === 'GET'
    const answered = isBlobGet
      ? redirect(options, seen.reference, req, res)
      : forward(options.registry, req, res)
    answered.catch((error: Error) => res.destroy(error))
  })
