/**
 * The way to the internet, closed and watched: a proxy that refuses every connection and remembers where it was to go.
 * A client that has it in its environment and still pulls an image got it from the mirror.
 */
import { createServer } from 'node:http'
import { listen } from './ports.ts'
import type { Workspace } from './workspace.ts'

/** The closed way out. */
export interface Outside {
  /** For the environment of a client: every host but loopback is asked for through the proxy. */
  readonly env: Readonly<Record<string, string>>
  /** `host:port` of each attempt to leave. */
  readonly attempts: readonly string[]
}

/** Starts the proxy. */
export const closeOutside = async (workspace: Workspace): Promise<Outside> => {
  const attempts: string[] = []
  const server = createServer((req, res) => {
    attempts.push(req.url ?? '')
    res.writeHead(403).end()
  })
  server.on('connect', (req, socket) => {
    attempts.push(req.url ?? '')
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
  })
  const proxy = `http://${await listen(workspace, server)}`
  const env = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: '127.0.0.0/8,localhost' }
  return { env, attempts }
}
