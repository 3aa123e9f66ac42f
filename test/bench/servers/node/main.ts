/**
 * Answers by `node:http` or `node:https` and nothing else: what Node does by itself. `/<n>` has n bytes, written from memory
 * by the mebibyte; everything else has the same 4 KiB.
 */
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'

const [port = '', certFile, keyFile] = process.argv.slice(2)
const body = Buffer.alloc(4096, 'x')
const piece = Buffer.alloc(1024 * 1024, 'x')
const digest = `sha256:${'0'.repeat(64)}`

/** As many headers as a registry sends. */
const fieldsOf = (sizeBytes: number): string[] => [
  'Docker-Distribution-Api-Version',
  'registry/2.0',
  'Docker-Content-Digest',
  digest,
  'ETag',
  `"${digest}"`,
  'Content-Type',
  'application/octet-stream',
  'Content-Length',
  String(sizeBytes),
]
const smallFields = fieldsOf(body.length)

const send = (res: ServerResponse, leftBytes: number): void => {
  if (leftBytes === 0) res.end()
  else {
    const length = Math.min(leftBytes, piece.length)
    res.write(piece.subarray(0, length), () => send(res, leftBytes - length))
  }
}

const answer: RequestListener = (req, res) => {
  const sizeBytes = /^\/(\d+)$/.exec(req.url ?? '')?.[1]
  if (sizeBytes === undefined) {
    res.writeHead(200, smallFields)
    res.end(req.method === 'HEAD' ? undefined : body)
  } else {
    res.writeHead(200, fieldsOf(Number(sizeBytes)))
    send(res, Number(sizeBytes))
  }
}

const server =
  certFile === undefined || keyFile === undefined
    ? createHttpServer(answer)
    : createHttpsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, answer)
server.listen(Number(port), '127.0.0.1')
