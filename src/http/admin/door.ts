/** The door of all admin calls: where one comes from, and who makes it. Nothing else of a call is looked at before. */
import type { TLSSocket } from 'node:tls'
import type { Context } from 'koa'
import type { AdminLogin } from './login.ts'
import { type CallOrigin, isFromHere, type OriginRules, requireAdminOrigin, requireOrigin } from './origin.ts'

/** What calls are let in by. */
export interface DoorOptions {
  readonly login: Pick<AdminLogin, 'identify'>
  readonly rules: OriginRules
  /** The client's address, for the limit on guessing. */
  readonly readAddress: (ctx: Context) => string
}

/** What a call needs: nothing, a login, or a login unless it comes from this very machine. */
export type Needs = 'nothing' | 'login' | 'login from elsewhere'

/** Lets calls in, or throws. @returns who calls; `undefined`: somebody, of whom nothing is asked */
export type Door = (ctx: Context, needs: Needs) => Promise<string | undefined>

const originOf = ({ req, method }: Context): CallOrigin => ({
  method,
  localAddress: req.socket.localAddress ?? '',
  remoteAddress: req.socket.remoteAddress ?? '',
  isEncrypted: (req.socket as Partial<TLSSocket>).encrypted === true,
  host: req.headers.host ?? '',
  contentType: req.headers['content-type'],
  origin: req.headers.origin,
  fetchSite: [req.headers['sec-fetch-site']].flat()[0],
})

/** Makes the door. What it throws is a RegistryError: `DENIED`, `UNAUTHORIZED`, `UNSUPPORTED` with 415, `TOOMANYREQUESTS`. */
export const createDoor =
  ({ login, rules, readAddress }: DoorOptions): Door =>
  async (ctx, needs) => {
    const origin = originOf(ctx)
    requireOrigin(origin, rules)
    if (needs === 'nothing' || (needs === 'login from elsewhere' && isFromHere(origin))) return undefined
    requireAdminOrigin(origin, rules)
    return login.identify(ctx.headers.authorization, readAddress(ctx))
  }
