/**
 * A server with an admin API that answers what it is told: a real HTTP server, for what the command line does with answers
 * that a real entrepot gives rarely, or no longer. It keeps what it was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request that came. */
export interface Asked {
  /** `POST /admin/v1/purge`, with its query. */
  readonly call: string
  readonly authorization: string | undefined
  readonly contentType: string | undefined
  readonly body: unknown
}

/** What is answered: JSON with 200, or a status with JSON, or with text where it is one; none: 204. */
export type Reply =
  | { readonly status?: number; readonly json?: unknown; readonly text?: string }
  | ((asked: Asked) => Reply)

/** A running server. */
export interface FakeAdmin {
  readonly url: string
  readonly asked: Asked[]
  stop(): Promise<void>
}

/** An OCI error body. */
export const errorBody = (code: string, message: string) => ({ errors: [{ code, message }] })

/**
 * Starts one.
 * @param replies method and path, without query, → what is answered; anything else is what entrepot says of no route
 */
export const startFakeAdmin = async (replies: Readonly<Record<string, Reply>>): Promise<FakeAdmin> => {
  const asked: Asked[] = []
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const sent = await text(req)
    const request = {
      call: `${req.method} ${req.url}`,
      authorization: req.headers.authorization,
      contentType: req.headers['content-type'],
      body: sent === '' ? undefined : JSON.parse(sent),
    }
    asked.push(request)
    let reply = replies[`${req.method} ${req.url?.replace(/\?.*/, '')}`] ?? {
      status: 404,
      json: errorBody('NAME_UNKNOWN', 'no such route: see /v2/'),
    }
    if (typeof reply === 'function') reply = reply(request)
    if (typeof reply === 'function') throw new Error('a reply to a reply')
    const { status, json, text: plain } = reply
    res.statusCode = status ?? (json === undefined && plain === undefined ? 204 : 200)
    res.setHeader('content-type', json === undefined ? 'text/plain' : 'application/json')
    res.end(json === undefined ? plain : JSON.stringify(json))
  }
  const server = createServer((req, res) => {
    handle(req, res).catch((error) => res.destroy(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
