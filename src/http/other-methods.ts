/** What a known path answers to methods that it does not have. */
import type { RouterContext } from '@koa/router'
import type { Middleware } from 'koa'
import { RegistryError } from '../protocol/error.ts'

/** A known path asked with another method: `OPTIONS` is told what there is, anything else refused (RFC 9110, 15.5.6). */
export const answerOtherMethods: Middleware = async (ctx, next) => {
  await next()
  const { matched } = ctx as Partial<RouterContext>
  if (ctx.status !== 404 || ctx.body != null || ctx.respond === false || !matched?.length) return
  const allowed = [...new Set(matched.flatMap((layer) => layer.methods))].join(', ')
  if (allowed === '') return
  if (ctx.method !== 'OPTIONS')
    throw new RegistryError('UNSUPPORTED', {
      message: `${ctx.method} is not supported here; allowed: ${allowed}`,
      headers: { Allow: allowed },
    })
  ctx.set('Allow', allowed)
  ctx.status = 200
  ctx.body = ''
}
