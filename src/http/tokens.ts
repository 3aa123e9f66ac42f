/** Endpoints of the built-in authorization service (protocol.md §5.3, §5.4). Parse, call, reply. */
import {
  formatIssuedToken,
  type IssuedToken,
  parseTokenForm,
  parseTokenQuery,
  type TokenRequest,
} from '../access/token-request.ts'
import { RegistryError } from '../protocol/error.ts'
import { readBody } from './body.ts'
import type { Context } from './context.ts'

/** Longest form, in bytes: scopes of many repositories and a refresh token. */
const MAX_FORM_BYTES = 64 * 1024

/** The authorization service, to those who ask it. */
export interface TokenService {
  /** @param address of the client */
  issue(request: TokenRequest, address: string): Promise<IssuedToken>
  /** The public keys as a JWK Set (RFC 7517). */
  jwks(): Promise<object>
}

const replyToken = (ctx: Context, issued: IssuedToken): void => {
  ctx.state.identity = { account: issued.account, granted: issued.granted }
  ctx.set({ 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  ctx.body = formatIssuedToken(issued)
}

/** `GET /token`: by Basic credentials, or as nobody. */
export const getToken = (tokens: TokenService) => async (ctx: Context) => {
  const request = parseTokenQuery(new URLSearchParams(ctx.querystring), ctx.headers.authorization)
  replyToken(ctx, await tokens.issue(request, ctx.state.client.address))
}

const tooLong = (): RegistryError =>
  new RegistryError('SIZE_INVALID', {
    status: 413,
    message: `a request for a token has at most ${MAX_FORM_BYTES} bytes`,
  })

/** `POST /token`: OAuth2, by password or refresh token. */
export const postToken = (tokens: TokenService) => async (ctx: Context) => {
  const form = (await readBody(ctx.req, MAX_FORM_BYTES, tooLong)).toString('utf8')
  const issued = await tokens.issue(parseTokenForm(new URLSearchParams(form)), ctx.state.client.address)
  replyToken(ctx, issued)
}

/** `GET /token/jwks`: what other registries verify the tokens with (distribution's `auth.token.jwks`). */
export const getJwks = (tokens: TokenService) => async (ctx: Context) => {
  ctx.set('Content-Type', 'application/jwk-set+json')
  ctx.body = JSON.stringify(await tokens.jwks())
}
