/** Sends the requests to a token service, among the short requests, with a deadline of their own: many wait for one. */
import { withDeadline } from './deadline.ts'
import { inContext, lateError } from './failure.ts'
import type { ShortQueue } from './queue.ts'
import { failureOf, type Reply, readReply } from './reply.ts'
import type { RealmRequest } from './token-request.ts'
import type { Purpose, Wire } from './wire.ts'

/** What a client of token services works with. */
export interface RealmClientOptions {
  /** Name of the upstream, for messages. */
  readonly upstream: string
  readonly wire: Wire
  readonly shortQueue: ShortQueue
  readonly deadlineMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Largest answer of a token service, in bytes. */
const MAX_TOKEN_BYTES = 1024 * 1024

const FIRST_SERVER_ERROR = 500

/**
 * Makes the function that sends a request to a realm and reads the whole answer.
 * @throws UpstreamError for no answer, 429 and 5xx; any other status is the answer
 */
export const createRealmClient = ({ upstream, wire, shortQueue, deadlineMs, now }: RealmClientOptions) => {
  const ask = async (request: RealmRequest, purpose: Purpose, signal: AbortSignal): Promise<Reply> => {
    const { account: _, ...rest } = request
    const limits = { signal, headMs: deadlineMs, stallMs: deadlineMs }
    const reply = await readReply(
      await wire.send(purpose, { ...rest, ...limits }),
      request.url,
      MAX_TOKEN_BYTES,
    )
    if (reply.status === 429) throw wire.limitedBy(purpose, reply)
    if (reply.status < FIRST_SERVER_ERROR) return reply
    throw failureOf(reply, { what: purpose.what, refusal: undefined, nowMs: now() })
  }

  return (request: RealmRequest): Promise<Reply> => {
    const what = `${upstream}, token of ${request.url.host}`
    const purpose: Purpose = { kind: 'token', account: request.account, what }
    const late = () => inContext(lateError(deadlineMs), what)
    return withDeadline(deadlineMs, undefined, late, (signal) =>
      shortQueue.run('continued', signal, () => ask(request, purpose, signal)),
    )
  }
}
