/**
 * Refresh tokens ("identity tokens" of `docker login`): what a client keeps instead of a password. Nothing is stored
 * for them: each is signed with a secret of this service, bound to one account and one service, and ends with the
 * account's password or with the account.
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import type { PasswordAccounts } from './accounts.ts'

/** How long a refresh token is good for, in milliseconds: who has not come for three months logs in again. */
const LIFETIME_MS = 90 * 86_400_000

/** Tells a refresh token from every other kind of token. */
const TYPE = 'entrepot-refresh+jwt'
const ALGORITHM = 'HS256'

/** Longest refresh token that is looked at, in characters. */
const MAX_LENGTH = 4096

/** What refresh tokens are made with. */
export interface RefreshTokensOptions {
  readonly accounts: Pick<PasswordAccounts, 'stamp'>
  /** A secret of 32 bytes for nothing else. */
  readonly secret: Buffer
  /** The registry's name. */
  readonly service: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Makes refresh tokens, and tells whose they are. */
export class RefreshTokens {
  readonly #options: RefreshTokensOptions

  constructor(options: RefreshTokensOptions) {
    this.#options = options
  }

  /** A new one for an account; `undefined` where there is no such account (any more). */
  async issue(account: string): Promise<string | undefined> {
    const { secret, service, now } = this.#options
    const stamp = await this.#stamp(account)
    if (stamp === undefined) return undefined
    return new SignJWT({ sub: account, aud: service, stamp, jti: randomUUID() })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setIssuedAt(new Date(now()))
      .setExpirationTime(new Date(now() + LIFETIME_MS))
      .sign(secret)
  }

  /** The account of a refresh token that is good now; `undefined` where it is not, or was not made here. */
  async accountOf(token: string): Promise<string | undefined> {
    if (token.length > MAX_LENGTH) return undefined
    const { secret, service, now } = this.#options
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        audience: service,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(now()),
      })
      const stamp = await this.#stamp(payload.sub ?? '')
      return stamp !== undefined && isEqual(stamp, payload.stamp) ? payload.sub : undefined
    } catch {
      // Whatever is wrong with it: it is none of ours.
      return undefined
    }
  }

  /** What changes with the account's password, and tells nothing of it. */
  async #stamp(account: string): Promise<string | undefined> {
    const { accounts, secret } = this.#options
    const stamp = await accounts.stamp(account)
    return stamp && createHmac('sha256', secret).update(`stamp ${account}:${stamp}`).digest('base64url')
  }
}

const isEqual = (expected: string, given: unknown): boolean =>
  typeof given === 'string' &&
  given.length === expected.length &&
  timingSafeEqual(Buffer.from(given), Buffer.from(expected))
