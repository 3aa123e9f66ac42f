/** Answers everything with the same 4 KiB, by `node:http` and nothing else: what Node does by itself. */
import { createServer } from 'node:http'

const [port = ''] = process.argv.slice(2)
const body = Buffer.alloc(4096, 'x')
const digest = `sha256:${'0'.repeat(64)}`

/** As many headers as a registry sends. */
const fields = [
  'Docker-Distribution-Api-Version',
  'registry/2.0',
  'Docker-Content-Digest',
  digest,
  'ETag',
  `"${digest}"`,
  'Content-Type',
  'application/octet-stream',
  'Content-Length',
  String(body.length),
]

createServer((req, res) => {
  res.writeHead(200, fields)
  res.end(req.method === 'HEAD' ? undefined : body)
}).listen(Number(port), '127.0.0.1')
