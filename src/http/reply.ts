/** Answers in one piece, answers without a body, and where things are. */
import type { ServerResponse } from 'node:http'
import type { Context } from './context.ts'

/** An answer that is ready to be written. */
interface Ready {
  readonly res: ServerResponse
  readonly body: Buffer | undefined
}

let ready: Ready[] = []

const writeReady = (): void => {
  const those = ready
  ready = []
  for (const { res, body } of those) res.end(body)
}

/**
 * Ends a request with status, headers and body in one piece, past Koa. `fields` are names and values in turn.
 *
 * Answers to requests that came together are written together, once all of them are found: written one by one, each finds
 * its reader asleep, and to wake it costs more than the answer. That is half as many answers a second again.
 */
export const replyAtOnce = (
  ctx: Context,
  status: number,
  fields: readonly string[],
  body: Buffer | undefined,
): void => {
  ctx.respond = false
  ctx.state.sentBytes = body?.length ?? 0
  ctx.state.common.write(ctx.res, status, fields)
  if (ready.push({ res: ctx.res, body }) === 1) setImmediate(writeReady)
}

/** Ends a request with a status and no body. Koa alone would write the status's name, or turn a 202 into a 204. */
export const replyEmpty = (ctx: Context, status: number): void => {
  ctx.status = status
  if (status === 204) {
    ctx.body = null
    return
  }
  ctx.body = ''
  ctx.remove('Content-Type')
}

/** Makes `Location` values for paths below `/v2/<name>/`: paths alone, or URLs where `http.host` is set. */
export type Locate = (ctx: Context, below: string) => string

/**
 * @param origin of this registry as its clients see it, without a slash at the end; empty: paths are sent
 * @param prefix `http.prefix`, with a slash at both ends
 */
export const createLocate =
  (origin: string, prefix: string): Locate =>
  (ctx, below) =>
    `${origin}${prefix}v2/${ctx.params.name}/${below}`
