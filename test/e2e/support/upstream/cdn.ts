/**
 * The second origin of the upstream, where it redirects blobs to: serves the files of docker-registry's own storage by
 * signed URLs and, as the object stores behind real registries do, refuses a request that has an `Authorization`.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type RequestLog, readRequest } from './request-log.ts'

/** Where docker-registry keeps the bytes of a sha256 digest, below its root directory. */
export const blobFile = (rootDirectory: string, digest: string): string => {
  const hex = digest.slice('sha256:'.length)
  return join(rootDirectory, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
}

/** The second origin and the URLs that it honours. */
export interface Cdn {
  readonly server: Server
  /** Path and query of a blob, signed. */
  sign(digest: string): string
}

const RANGE = /^bytes=(?<first>\d+)-(?<last>\d*)$/

const refuse = (res: ServerResponse, status: number): void => {
  res.writeHead(status).end()
}

const send = async (req: IncomingMessage, res: ServerResponse, file: string): Promise<void> => {
  const { size } = await stat(file)
  const range = RANGE.exec(req.headers.range ?? '')?.groups
  const start = Number(range?.first ?? 0)
  const end = range?.last ? Math.min(Number(range.last), size - 1) : size - 1
  if (start > end && size > 0) return refuse(res, 416)
  res.writeHead(range ? 206 : 200, {
    'content-length': size === 0 ? 0 : end - start + 1,
    'content-type': 'application/octet-stream',
    ...(range && { 'content-range': `bytes ${start}-${end}/${size}` }),
  })
  if (req.method === 'HEAD' || size === 0) return void res.end()
  await pipeline(createReadStream(file, { start, end }), res)
}

/** The second origin in front of a docker-registry's root directory, not yet listening. */
export const createCdn = (rootDirectory: string, log: RequestLog): Cdn => {
  const secret = randomBytes(32)
  const sign = (digest: string): string =>
    `/cdn/${digest}?signature=${createHmac('sha256', secret).update(digest).digest('hex')}`
  const server = createServer((req, res) => {
    const request = readRequest(req)
    log.add(request)
    if (request.hasAuthorization) return refuse(res, 400)
    if (req.url !== sign(request.reference)) return refuse(res, 403)
    send(req, res, blobFile(rootDirectory, request.reference)).catch((error: Error) => res.destroy(error))
  })
  return { server, sign }
}
