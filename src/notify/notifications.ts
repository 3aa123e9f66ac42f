/** Events → endpoints (distribution's `notifications`). An event is put into words once, and only if anybody wants it. */
import { randomUUID } from 'node:crypto'
import type { Endpoint } from './endpoint.ts'
import { type EventSource, formatEnvelope } from './envelope.ts'
import type { EventRequest, RegistryEvent } from './event.ts'

/** How long a stop waits for what is still to be delivered, in milliseconds: a stop has ten seconds in all. */
const CLOSE_GRACE_MS = 1000

/** What is told to whom. */
export interface NotificationsOptions {
  readonly endpoints: readonly Endpoint[]
  readonly includesReferences: boolean
  /** `host:port` of this server. */
  readonly addr: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Tells endpoints what happens. */
export class Notifications {
  readonly #options: NotificationsOptions
  readonly #source: EventSource

  constructor(options: NotificationsOptions) {
    this.#options = options
    this.#source = { addr: options.addr, instanceID: randomUUID() }
  }

  /** Tells of an event; returns at once. */
  emit(event: RegistryEvent, request: EventRequest): void {
    const { endpoints, includesReferences, now } = this.#options
    const wanting = endpoints.filter((endpoint) => endpoint.wants(event))
    if (wanting.length === 0) return
    const body = formatEnvelope(event, request, {
      id: randomUUID(),
      requestId: randomUUID(),
      timestamp: new Date(now()).toISOString(),
      source: this.#source,
      includesReferences,
    })
    for (const endpoint of wanting) endpoint.offer(body)
  }

  /** Delivers what can be delivered at once, and ends. */
  async close(): Promise<void> {
    await Promise.all(this.#options.endpoints.map((endpoint) => endpoint.close(CLOSE_GRACE_MS)))
  }
}
