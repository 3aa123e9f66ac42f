/** Tells whoever wants to know what a request did. */
import type { EventRequest, OnEvent, RegistryEvent } from '../push/event.ts'
import type { GuardedContext } from './context.ts'

/** Emits an event of a request. */
export type Notify = (ctx: GuardedContext, event: Omit<RegistryEvent, 'repository'>) => void

const describe = (ctx: GuardedContext): EventRequest => ({
  method: ctx.method,
  host: ctx.host,
  address: `${ctx.req.socket.remoteAddress ?? ''}:${ctx.req.socket.remotePort ?? ''}`,
  userAgent: ctx.get('User-Agent'),
  account: ctx.state.identity?.account ?? '',
  name: ctx.params.name ?? '',
})

/** @param onEvent `undefined`: nobody wants to know, and it costs nothing */
export const createNotify =
  (onEvent: OnEvent | undefined): Notify =>
  (ctx, event) =>
    onEvent?.({ ...event, repository: ctx.state.repository.name }, describe(ctx))

/** Media type of a blob in events, as distribution has it. */
export const BLOB_MEDIA_TYPE = 'application/octet-stream'
