/** What a request carries through the middlewares. */
import type { RouterContext } from '@koa/router'
import type { DefaultContext } from 'koa'
import type { Identity, RequestOrigin } from '../access/authenticate.ts'
import type { Answer } from '../observe/read-meter.ts'
import type { Digest } from '../protocol/digest.ts'
import type { FindPullable } from '../push/mount.ts'
import type { Repository } from '../repository.ts'
import type { CommonHeaders } from './common-headers.ts'

/** State of one request. */
export interface RequestState {
  /** Set before everything else: for answers that go past Koa. */
  common: CommonHeaders
  /** Where the request comes from; set before everything else. */
  client: RequestOrigin
  /** Which kind of route it is, for metrics: distribution's words. */
  handler?: string
  /** Set when the connection is done with the answer, or the client has left. */
  isOver?: true
  /** Set by the guard, for every route below a repository. */
  repository?: Repository
  identity?: Identity
  /** Set by the guard: where the caller may mount from. */
  findPullable?: FindPullable
  /** Set where the answer may be remembered: how much had changed when the request came. */
  changes?: number
  /** How a read was answered. */
  answer?: Answer
  /** The blob that is read. */
  digest?: Digest
  /** Bytes of content sent, where the body is sent past Koa. */
  sentBytes?: number
}

/** A request of the registry API. */
export type Context = RouterContext<RequestState, DefaultContext>

/** A request whose repository is known and allowed. */
export type GuardedContext = Context & { state: RequestState & { repository: Repository } }

/** One value of a query parameter: the first where it is given several times. */
export const queryValue = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0]
