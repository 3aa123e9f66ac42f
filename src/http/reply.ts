/** Answers in one piece, answers without a body, and where things are. */
import type { Context } from './context.ts'

/** Ends a request with status, headers and body at once, past Koa. `fields` are names and values in turn. */
export const replyAtOnce = (
  ctx: Context,
  status: number,
  fields: readonly string[],
  body: Buffer | undefined,
): void => {
  ctx.respond = false
  ctx.state.sentBytes = body?.length ?? 0
  ctx.state.common.write(ctx.res, status, fields)
  ctx.res.end(body)
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
