/** Tells whoever wants to know what a request did. */
import type { EventRequest, OnEvent, RegistryEvent } from '../notify/event.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { GuardedContext } from './context.ts'

/** Emits an event of a request. */
export type Notify = (ctx: GuardedContext, event: Omit<RegistryEvent, 'repository'>) => void

/** What events are made with. */
export interface NotifyOptions {
  /** `undefined`: nobody wants to know, and it costs nothing. */
  readonly onEvent: OnEvent | undefined
  /** `http.prefix`, with a slash at both ends. */
  readonly prefix: string
  readonly metrics: Metrics
}

/** `host:port` as Go writes it; of a client behind a proxy nobody tells the port. */
const addressOf = ({ req, state }: GuardedContext): string => {
  const { address } = state.client
  const { remoteAddress, remotePort } = req.socket
  if (remoteAddress?.replace(/^::ffff:/, '') !== address) return address
  return `${address.includes(':') ? `[${address}]` : address}:${remotePort}`
}

const describe = (ctx: GuardedContext, prefix: string): EventRequest => ({
  method: ctx.method,
  host: ctx.host,
  address: addressOf(ctx),
  userAgent: ctx.get('User-Agent'),
  account: ctx.state.identity?.account ?? '',
  baseUrl: `${ctx.state.client.origin}${prefix}`,
})

/** Makes what counts and emits events. */
export const createNotify = (options: NotifyOptions): Notify => {
  const { onEvent, metrics, prefix } = options
  return (ctx, event) => {
    metrics.operationMeter.done(event.action, event.type)
    onEvent?.({ ...event, repository: ctx.state.repository.name }, describe(ctx, prefix))
  }
}

/** Media type of a blob in events, as distribution has it. */
export const BLOB_MEDIA_TYPE = 'application/octet-stream'
