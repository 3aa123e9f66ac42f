/**
 * Verifies the tokens of an authorization service as distribution does (protocol.md §5.6): the signer by `x5c`, `jwk`
 * or `kid` among the trusted keys, then signature, issuer, audience, times, and the `access` claim.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { decodeProtectedHeader, type JWTPayload, jwtVerify, type ProtectedHeaderParameters } from 'jose'
import { Memory } from '../memory.ts'
import type { Scope } from '../protocol/challenge.ts'
import type { Identity } from './authenticate.ts'
import { verifyChain } from './certificate-chain.ts'
import type { Reloaded } from './reload.ts'
import { algorithmsOf, type TrustedKeys } from './trusted-keys.ts'

/** Longest token, in characters: request headers end at 64 KiB. */
const MAX_TOKEN_LENGTH = 48 * 1024

/** How far the clocks of the service and of this host may be apart, in seconds. */
const LEEWAY_S = 60

/** Most entries of an `access` claim. */
const MAX_ACCESSES = 1000

/** Verified tokens that are remembered until they expire: clients send one with every request. */
const MAX_VERIFIED = 10_000

/** What tokens must be like. */
export interface TokenVerifierOptions {
  readonly issuer: string
  /** The audience: this registry's name. */
  readonly service: string
  /** Algorithms that are accepted; empty: all that fit the key. */
  readonly algorithms: readonly string[]
  readonly keys: Pick<Reloaded<TrustedKeys>, 'current'>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** What came of a token. */
export type TokenVerdict =
  | { readonly kind: 'valid'; readonly identity: Identity }
  /** `reason` is for the log and holds nothing of the token. */
  | { readonly kind: 'invalid'; readonly reason: string }

/** Verifies tokens. */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions
  readonly #now: () => number
  #keys: TrustedKeys | undefined
  #verified: Memory<string, Identity>

  constructor(options: TokenVerifierOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#verified = this.#newMemory()
  }

  /** Whether a token is good for this registry, and who comes with it. */
  async verify(token: string): Promise<TokenVerdict> {
    if (token.length > MAX_TOKEN_LENGTH) return { kind: 'invalid', reason: 'the token is too long' }
    const keys = await this.#options.keys.current()
    if (keys !== this.#keys) {
      this.#keys = keys
      this.#verified = this.#newMemory()
    }
    const memory = this.#verified
    const id = createHash('sha256').update(token).digest('base64')
    const known = memory.get(id)
    if (known !== undefined) return { kind: 'valid', identity: known }
    try {
      const { sub, exp = 0, access } = (await this.#check(token, keys)).payload
      const identity = { account: typeof sub === 'string' ? sub : '', granted: parseAccess(access) }
      const ttl = exp * 1000 - this.#now()
      if (ttl > 0) memory.set(id, identity, { ttl })
      return { kind: 'valid', identity }
    } catch (error) {
      return { kind: 'invalid', reason: (error as Error).message }
    }
  }

  async #check(token: string, keys: TrustedKeys): Promise<{ payload: JWTPayload }> {
    const { alg = 'none', ...header } = decodeProtectedHeader(token)
    const key = await findKey(header, keys, this.#now())
    const { algorithms, issuer, service } = this.#options
    if (!algorithmsOf(key).includes(alg) || (algorithms.length > 0 && !algorithms.includes(alg)))
      throw new Error(`the algorithm ${alg.slice(0, 20)} is not accepted for this key`)
    return jwtVerify(token, key, {
      algorithms: [alg],
      issuer,
      audience: service,
      clockTolerance: LEEWAY_S,
      currentDate: new Date(this.#now()),
      requiredClaims: ['exp'],
    })
  }

  #newMemory(): Memory<string, Identity> {
    return new Memory(MAX_VERIFIED, { ttlResolution: 0, perf: { now: this.#now } })
  }
}

/** The key that a header names, always one that is trusted, never one that the token brings. */
const findKey = async (
  { x5c, jwk, kid }: ProtectedHeaderParameters,
  { roots, keyById }: TrustedKeys,
  nowMs: number,
): Promise<KeyObject> => {
  const chain = x5c ?? jwk?.x5c
  // Without a bundle no chain can be trusted, but the key may still be one of the set.
  if (chain !== undefined && roots.length > 0) return chainKey(chain, roots, nowMs)
  const id = jwk?.kid ?? kid
  const key = id === undefined ? undefined : keyById.get(id)
  if (key === undefined) throw new Error('the token names no key that is trusted')
  return key
}

const chainKey = (x5c: unknown, roots: readonly X509Certificate[], nowMs: number): Promise<KeyObject> => {
  if (!Array.isArray(x5c) || !x5c.every((each) => typeof each === 'string'))
    throw new Error('x5c is no list of certificates')
  return verifyChain(x5c, roots, nowMs)
}

/** The `access` claim; entries that make no sense give nothing. A deprecated class (`repository(plugin)`) is dropped. */
const parseAccess = (claim: unknown): Scope[] => {
  if (claim === undefined || claim === null) return []
  if (!Array.isArray(claim) || claim.length > MAX_ACCESSES) throw new Error('the access claim makes no sense')
  return claim.flatMap((entry: unknown) => {
    const { type, name, actions } = (entry ?? {}) as Record<string, unknown>
    if (typeof type !== 'string' || typeof name !== 'string' || !Array.isArray(actions)) return []
    const known = actions.filter((action) => typeof action === 'string')
    return [{ type: type.replace(/\(.*\)$/, ''), name, actions: known }]
  })
}
