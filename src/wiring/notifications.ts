/** `notifications` of the configuration → what tells web hooks of events. */
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { parseListenAddress } from '../config/address.ts'
import type { Config } from '../config/schema.ts'
import { Endpoint } from '../notify/endpoint.ts'
import { ENVELOPE_MEDIA_TYPE } from '../notify/envelope.ts'
import { Notifications } from '../notify/notifications.ts'
import type { createPoster } from '../notify/post.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { chooseProxy, type Environment } from '../upstream/proxy-choice.ts'

/** What notifications are made with. */
export interface NotificationTools {
  readonly metrics: Metrics
  readonly log: Logger
  readonly environment: Environment
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

type EndpointConfig = Config['notifications']['endpoints'][number]

const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
  await wait(ms, undefined, { signal })
}

const createEndpoint = (
  config: EndpointConfig,
  { environment, ...tools }: NotificationTools,
  openPoster: typeof createPoster,
): Endpoint => {
  const { name, url, headers, timeout, threshold, backoff, ignoredmediatypes, ignore } = config
  const proxy = chooseProxy(new URL(url), { environment })
  return new Endpoint(
    {
      name,
      timeoutMs: timeout,
      threshold,
      backoffMs: backoff,
      ignoredMediaTypes: new Set([...ignoredmediatypes, ...ignore.mediatypes]),
      ignoredActions: new Set(ignore.actions),
    },
    { ...tools, sleep, poster: openPoster({ url, headers, mediaType: ENVELOPE_MEDIA_TYPE, proxy }) },
  )
}

/** Builds what tells web hooks of events; `undefined` where there are none, and events cost nothing. */
export const createNotifications = async (
  config: Config,
  tools: NotificationTools,
): Promise<Notifications | undefined> => {
  const { endpoints, events } = config.notifications
  const enabled = endpoints.filter(({ disabled }) => !disabled)
  if (enabled.length === 0) return undefined
  const { createPoster } = await import('../notify/post.ts')
  return new Notifications({
    endpoints: enabled.map((endpoint) => createEndpoint(endpoint, tools, createPoster)),
    includesReferences: events.includereferences,
    addr: `${hostname()}:${parseListenAddress(config.http.addr)?.port ?? ''}`,
    now: tools.now,
  })
}
