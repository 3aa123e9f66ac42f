/** Counts and logs every request once, when its connection is done with it. */
import type { Middleware } from 'koa'
import type { Metrics } from '../observe/metrics.ts'
import type { AccessLog } from './access-log.ts'
import type { RequestState } from './context.ts'

/** Bytes of body that an answer had. */
const bodyBytes = (state: RequestState, length: number | undefined, isHead: boolean): number =>
  isHead ? 0 : (state.sentBytes ?? length ?? 0)

/** The outermost middleware. */
export const measure =
  (metrics: Metrics, accessLog: AccessLog | undefined): Middleware<RequestState> =>
  (ctx, next) => {
    const startedAt = performance.now()
    const { state, req, res } = ctx
    const method = (req.method ?? 'get').toLowerCase()
    res.once('close', () => {
      const handler = state.handler ?? 'base'
      const sent = bodyBytes(state, ctx.response.length, method === 'head')
      metrics.httpRequests.inc({ handler, code: res.statusCode, method })
      metrics.httpSeconds.observe({ handler, method }, (performance.now() - startedAt) / 1000)
      const type = handler === 'blob' || handler === 'manifest' ? handler : undefined
      if (type !== undefined && res.statusCode < 300 && sent > 0) {
        metrics.clientBytes.inc({ type }, sent)
        if (state.repository?.kind !== 'local') metrics.proxyPushedBytes.inc({ type }, sent)
      }
      accessLog?.write(ctx, state.client.address || '-', state.identity?.account ?? '', sent)
    })
    return next()
  }
