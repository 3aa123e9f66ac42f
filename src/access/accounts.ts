/**
 * Who may log in with which password: the accounts of a file, with a memory of recent answers (clients send Basic with
 * every request, and one check of bcrypt is 80 ms of computing) and a limit on guessing.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { Memory } from '../memory.ts'
import { RegistryError } from '../protocol/error.ts'
import type { GuessLimiter } from './guessing.ts'
import type { Htpasswd } from './htpasswd.ts'

/** How long an answer is remembered, in milliseconds. A changed file ends it at once. */
const REMEMBER_MS = 5 * 60_000

/** Most answers that are remembered. */
const MAX_REMEMBERED = 10_000

/** When to come again where too many passwords wait to be checked, in seconds. */
const BUSY_RETRY_S = 5

/** What came of a password. `later`: it was not looked at; the error says why and when to come again. */
export type PasswordAnswer =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'later'; readonly error: RegistryError }

/** Accounts with passwords, to those who ask for them. */
export interface PasswordAccounts {
  /** @param address where the guess comes from */
  check(account: string, password: string, address: string): Promise<PasswordAnswer>
  /**
   * What changes when the account's password does, for tokens that must end with it; `undefined` where there is no
   * such account. It is derived from the hash, and not for others to see.
   */
  stamp(account: string): Promise<string | undefined>
}

/** The accounts of an htpasswd file. */
export class HtpasswdAccounts implements PasswordAccounts {
  readonly #htpasswd: Htpasswd
  readonly #limiter: GuessLimiter
  /** What is remembered is keyed by this process's secret: a memory image gives no password away. */
  readonly #key = randomBytes(32)
  readonly #remembered: Memory<string, 'right' | 'wrong'>
  readonly #running = new Map<string, Promise<PasswordAnswer>>()

  /** @param now milliseconds, for the age of what is remembered */
  constructor(htpasswd: Htpasswd, limiter: GuessLimiter, now: () => number = () => performance.now()) {
    this.#htpasswd = htpasswd
    this.#limiter = limiter
    this.#remembered = new Memory(MAX_REMEMBERED, { ttl: REMEMBER_MS, ttlResolution: 0, perf: { now } })
  }

  async check(account: string, password: string, address: string): Promise<PasswordAnswer> {
    const { verify, version } = await this.#htpasswd.account(account)
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([version, account, password]))
      .digest('base64')
    // The same wrong password again is no new guess: dockerd sends Docker Hub's with every request to its mirror.
    const known = this.#remembered.get(key)
    if (known !== undefined) return { kind: known }
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const waitMs = this.#limiter.begin(account, address)
    if (waitMs > 0) return { kind: 'later', error: tooManyGuesses(waitMs) }
    const check = this.#verify(key, () => verify(password)).finally(() => this.#running.delete(key))
    this.#running.set(key, check)
    const answer = await check
    if (answer.kind === 'right') this.#limiter.succeed(account, address)
    else if (answer.kind === 'later') this.#limiter.cancel(account, address)
    return answer
  }

  async stamp(account: string): Promise<string | undefined> {
    return (await this.#htpasswd.account(account)).hash
  }

  async #verify(key: string, verify: () => Promise<boolean>): Promise<PasswordAnswer> {
    try {
      const kind = (await verify()) ? 'right' : 'wrong'
      this.#remembered.set(key, kind)
      return { kind }
    } catch (cause) {
      return { kind: 'later', error: busy(cause) }
    }
  }
}

const tooManyGuesses = (waitMs: number): RegistryError =>
  new RegistryError('TOOMANYREQUESTS', {
    message: 'too many wrong passwords from this address: wait before the next',
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
  })

const busy = (cause: unknown): RegistryError =>
  new RegistryError('UNAVAILABLE', {
    message: 'too many passwords are being checked: try again in a few seconds',
    headers: { 'Retry-After': String(BUSY_RETRY_S) },
    cause,
  })
