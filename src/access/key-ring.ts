/** The keys of the built-in authorization service as those need them who sign, verify, or publish. */
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose'
import { isSigning, openKeys, type StoredKeys } from './keys.ts'
import type { Reloaded } from './reload.ts'
import { parseTrustedKeys, type TrustedKeys, thumbprint } from './trusted-keys.ts'

const ALGORITHM = 'ES256'

/** Pause after a signer could not be replaced, in milliseconds. */
const RETRY_MS = 60_000

/** A signer, ready to sign. */
interface Signer {
  readonly key: KeyObject
  readonly kid: string
  readonly x5c: readonly string[]
}

/** The keys as they are until the next change of the signer. */
interface Ring {
  readonly stored: StoredKeys
  readonly signer: Signer
  readonly trusted: TrustedKeys
  readonly jwks: JSONWebKeySet
}

/** Where the keys are. */
export interface KeyRingOptions {
  readonly folder: string
  /** Told where a new signer could not be made or kept. */
  readonly onProblem: (error: Error) => void
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** Signs tokens, and holds what others verify them with. */
export class KeyRing implements Pick<Reloaded<TrustedKeys>, 'current'> {
  readonly #options: KeyRingOptions
  readonly #now: () => number
  #ring: Ring
  #retryAtMs = 0
  #renewing: Promise<void> | undefined

  private constructor(options: KeyRingOptions, now: () => number, ring: Ring) {
    this.#options = options
    this.#now = now
    this.#ring = ring
  }

  /** Opens the folder, and makes what is missing. */
  static async open(options: KeyRingOptions): Promise<KeyRing> {
    const { folder, now = Date.now } = options
    return new KeyRing(options, now, await readRing(folder, now()))
  }

  /** What tokens of this service are verified with, here. */
  async current(): Promise<TrustedKeys> {
    return (await this.#fresh()).trusted
  }

  /** What others may verify them with (RFC 7517); no private part. */
  async jwks(): Promise<JSONWebKeySet> {
    return (await this.#fresh()).jwks
  }

  /** Signs claims as a token that distribution 2 and 3 accept: ES256 with `x5c` and `kid`. */
  async sign(claims: JWTPayload): Promise<string> {
    const { key, kid, x5c } = (await this.#fresh()).signer
    return new SignJWT(claims)
      .setProtectedHeader({ typ: 'JWT', alg: ALGORITHM, kid, x5c: [...x5c] })
      .sign(key)
  }

  /** A secret of its own for each purpose, 32 bytes, the same after a restart. */
  secretFor(purpose: string): Buffer {
    return createHmac('sha256', this.#ring.stored.refreshSecret).update(purpose).digest()
  }

  async #fresh(): Promise<Ring> {
    const nowMs = this.#now()
    if (!isSigning(this.#ring.stored.signer, nowMs) && nowMs >= this.#retryAtMs) {
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = undefined
      })
      await this.#renewing
    }
    return this.#ring
  }

  /** A signer that cannot be replaced goes on for as long as its certificate is valid: a day. */
  async #renew(): Promise<void> {
    try {
      this.#ring = await readRing(this.#options.folder, this.#now())
    } catch (error) {
      this.#retryAtMs = this.#now() + RETRY_MS
      this.#options.onProblem(error as Error)
    }
  }
}

const readRing = async (folder: string, nowMs: number): Promise<Ring> => {
  const stored = await openKeys(folder, nowMs)
  const { key: pem, certificate } = stored.signer
  const key = createPrivateKey(pem)
  const chain = [certificate, ...stored.retired.map((each) => each.certificate)]
  return {
    stored,
    signer: { key, kid: await thumbprint(createPublicKey(key)), x5c: [derOf(certificate)] },
    trusted: await parseTrustedKeys([stored.root.certificate, ...chain].join(''), undefined),
    jwks: { keys: await Promise.all(chain.map(jwkOf)) },
  }
}

const jwkOf = async (certificate: string) => {
  const { publicKey } = new X509Certificate(certificate)
  const kid = await thumbprint(publicKey)
  const jwk = publicKey.export({ format: 'jwk' }) as { kty: string }
  return { ...jwk, kid, use: 'sig', alg: ALGORITHM, x5c: [derOf(certificate)] }
}

const derOf = (certificate: string): string => new X509Certificate(certificate).raw.toString('base64')
