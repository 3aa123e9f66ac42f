/** Tells whoever wants to know what a request did. */
import type { EventRequest, OnEvent, RegistryEvent } from '../notify/event.ts'
import type { GuardedContext } from './context.ts'

/** Emits an event of a request. */
export type Notify = (ctx: GuardedContext, event: Omit<RegistryEvent, 'repository'>) => void

/** What events are made with. */
export interface NotifyOptions {
  /** `undefined`: nobody wants to know, and it costs nothing. */
  readonly onEvent: OnEvent | undefined
  /** Origin of this registry as its clients see it, without a slash at the end; empty: as the request says. */
  readonly origin: string
  /** `http.prefix`, with a slash at both ends. */
  readonly prefix: string
}

const describe = (ctx: GuardedContext, { origin, prefix }: NotifyOptions): EventRequest => ({
  method: ctx.method,
  host: ctx.host,
  address: `${ctx.req.socket.remoteAddress ?? ''}:${ctx.req.socket.remotePort ?? ''}`,
  userAgent: ctx.get('User-Agent'),
  account: ctx.state.identity?.account ?? '',
  baseUrl: `${origin === '' ? `${ctx.protocol}://${ctx.host}` : origin}${prefix}`,
})

/** Makes what emits events. */
export const createNotify =
  (options: NotifyOptions): Notify =>
  (ctx, event) =>
    options.onEvent?.({ ...event, repository: ctx.state.repository.name }, describe(ctx, options))

/** Media type of a blob in events, as distribution has it. */
export const BLOB_MEDIA_TYPE = 'application/octet-stream'
