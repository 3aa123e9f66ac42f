/**
 * Anything thrown → status, headers and OCI error body (distribution-spec 1.1, Error codes). The only place that writes an
 * error to a client; what is not for the client goes to the log alone. A client that left is not an error.
 */
import type { Middleware } from 'koa'
import type { Logger } from '../observe/log.ts'
import { RegistryError } from '../protocol/error.ts'
import { toAnswer } from '../pull/failure.ts'
import { StorageError } from '../store/driver.ts'
import { discardBody } from './body.ts'

/** The answer for a failure of the store: 507 for a full disk, 500 for the rest. */
const fromStorage = (error: StorageError): RegistryError =>
  error.kind === 'full'
    ? new RegistryError('UNKNOWN', { status: 507, message: 'the registry has no space left', cause: error })
    : new RegistryError('UNKNOWN', { message: 'the registry cannot use its storage', cause: error })

/** The answer for anything thrown. An upstream may still fail when it has promised a blob and sent nothing of it. */
const toRegistryError = (thrown: unknown): RegistryError => {
  const error = toAnswer(thrown, 'blob')
  if (error instanceof RegistryError) return error
  if (error instanceof StorageError) return fromStorage(error)
  return new RegistryError('UNKNOWN', { message: 'internal error', cause: error })
}

const GONE_CODES = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ECANCELED',
])

/** Whether an error only says that the client left. */
const isClientGone = (error: unknown): boolean =>
  GONE_CODES.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')

/** Writes errors; also the 404 of a route that does not exist and the 405 of a method that is not one of it. */
export const writeErrors =
  (log: Logger): Middleware =>
  async (ctx, next) => {
    try {
      await next()
      if (ctx.status === 404 && ctx.body == null && ctx.respond !== false)
        throw new RegistryError('NAME_UNKNOWN', { message: 'no such route: see /v2/' })
    } catch (thrown) {
      // A request whose body was read to its end counts as destroyed, too: the socket tells.
      if (ctx.res.headersSent || ctx.req.socket.destroyed || isClientGone(thrown)) {
        if (!isClientGone(thrown)) log.warn({ err: thrown, url: ctx.path }, 'answer cut short')
        ctx.respond = false
        ctx.res.destroy()
        return
      }
      const error = toRegistryError(thrown)
      const { status, headers } = error
      // A failure of an upstream or of a client was logged where it was decided; this is our own.
      if (status === 500 || status === 507)
        log.error({ err: error.cause ?? error, method: ctx.method, url: ctx.path }, 'request failed')
      const body = error.toBody()
      // Whoever wanted to answer past Koa has not come to it.
      ctx.respond = true
      ctx.status = status
      ctx.set(headers)
      ctx.set('Content-Type', 'application/json')
      ctx.length = Buffer.byteLength(body)
      ctx.body = body
      discardBody(ctx.req)
    }
  }
