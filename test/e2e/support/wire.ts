/** A front before a registry that notes what goes over the wire: who was asked what, with which credentials. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { listen } from './ports.ts'
import type { Workspace } from './workspace.ts'

/** A request and its answer. Nothing of the credentials themselves. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Scheme of `Authorization`; empty where there is none. */
  readonly scheme: string
  readonly status: number
  /** `WWW-Authenticate` of the answer. */
  readonly challenge: string
}

/** The front. */
export interface Wire {
  /** `host:port`. */
  readonly address: string
  /** What went over it, in order; whoever looks may empty it. */
  readonly exchanges: Exchange[]
}

const forward = async (
  target: string,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<IncomingMessage> => {
  const [host, port] = target.split(':')
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({ host, port, method: req.method, path: req.url, headers: req.headers }, resolve)
    outgoing.on('error', reject)
    pipeline(req, outgoing).catch(reject)
  })
  res.writeHead(answer.statusCode ?? 502, answer.headers)
  return answer
}

/**
 * Starts a front before `target` (`host:port`), which sees the `Host` of the front.
 * @param exchanges shared with another front, so that the order of what goes over both is seen
 */
export const startWire = async (
  workspace: Workspace,
  target: () => string,
  exchanges: Exchange[] = [],
): Promise<Wire> => {
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://any')
    forward(target(), req, res).then(
      (answer) => {
        exchanges.push({
          method: req.method ?? '',
          path: url.pathname,
          query: url.searchParams,
          scheme: (req.headers.authorization ?? '').split(' ')[0] ?? '',
          status: answer.statusCode ?? 0,
          challenge: answer.headers['www-authenticate'] ?? '',
        })
        pipeline(answer, res).catch(() => res.destroy())
      },
      () => res.destroy(),
    )
  })
  return { address: await listen(workspace, server), exchanges }
}
