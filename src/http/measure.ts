/** Counts and logs every request once, when its connection is done with it. */
import type { IncomingMessage } from 'node:http'
import type { ParameterizedContext } from 'koa'
import type { Metrics } from '../observe/metrics.ts'
import type { AccessLog } from './access-log.ts'
import type { RequestState } from './context.ts'

/** Bytes of body that an answer had. */
const bodyBytes = ({ state, response }: ParameterizedContext<RequestState>, isHead: boolean): number =>
  isHead ? 0 : (state.sentBytes ?? response.length ?? 0)

/**
 * Bytes of body that a request had. Of a body without a length the connection tells, as far as it was not read with the
 * head of the request.
 */
const receivedBytes = (req: IncomingMessage, receivedBefore: number): number =>
  isChunked(req)
    ? Math.max(0, req.socket.bytesRead - receivedBefore)
    : Number(req.headers['content-length'] ?? 0)

const isChunked = ({ headers }: IncomingMessage): boolean => headers['transfer-encoding'] !== undefined

/** Tells what kind of route a request has found: distribution's word for the metric. */
export type Label = (ctx: { readonly state: RequestState }, handler: string) => void

/** Labels requests that {@link measure} counts. */
export const createLabel =
  ({ requestMeter }: Metrics): Label =>
  ({ state }, handler) => {
    // A client may leave while its route is being found: it was counted where it was then.
    if (state.isOver) return
    state.handler = handler
    requestMeter.routed(handler)
  }

/** Watches one request. */
export type Measure = (ctx: ParameterizedContext<RequestState>) => void

/** Makes what every request begins with. */
export const createMeasure =
  ({ requestMeter, readMeter }: Metrics, accessLog: AccessLog | undefined): Measure =>
  (ctx) => {
    const startedAt = performance.now()
    const { state, req, res } = ctx
    const method = (req.method ?? 'get').toLowerCase()
    const receivedBefore = isChunked(req) ? req.socket.bytesRead : 0
    requestMeter.began()
    res.once('close', () => {
      state.isOver = true
      const { handler, repository, answer, digest } = state
      const status = res.statusCode
      const responseBytes = bodyBytes(ctx, method === 'head')
      const seconds = (performance.now() - startedAt) / 1000
      const requestBytes = receivedBytes(req, receivedBefore)
      requestMeter.ended({ handler, method, status, seconds, requestBytes, responseBytes })
      const isContent = handler === 'blob' || handler === 'manifest'
      if (isContent && method === 'get' && status < 300)
        readMeter.sent(handler, responseBytes, { answer, isMirrored: repository?.kind !== 'local', digest })
      accessLog?.write(ctx, state.client.address || '-', state.identity?.account ?? '', responseBytes)
    })
  }
