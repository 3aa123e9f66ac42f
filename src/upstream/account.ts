/**
 * The account that entrepot uses at an upstream, and whether the upstream takes it. A password that is refused is not
 * tried again for minutes, since registries lock accounts; meanwhile requests go on anonymously.
 */
import type { CredentialSource, Credentials } from './credentials.ts'

/** What an account works with. */
export interface AccountOptions {
  readonly source: CredentialSource | undefined
  /** How long a refused password is not tried again, in milliseconds. */
  readonly refusedMs: number
  readonly now: () => number
  /** Told when the upstream begins to refuse the account (why, for people) and when it takes it again (`undefined`). */
  readonly onChange: (refusal: string | undefined) => void
}

/** The account at one upstream. */
export class Account {
  readonly #options: AccountOptions
  #refusal: { readonly why: string; readonly untilMs: number } | undefined
  #isReported = false

  constructor(options: AccountOptions) {
    this.#options = options
  }

  /** Whether there is an account at all. */
  get isConfigured(): boolean {
    return this.#options.source !== undefined
  }

  /** Why the account is not used, for people; `undefined` while the upstream takes it. Stays until it does again. */
  get refusal(): string | undefined {
    return this.#refusal?.why
  }

  /** The credentials to send, or `undefined` to go anonymously. */
  async current(): Promise<Credentials | undefined> {
    const { source, now } = this.#options
    if (source === undefined) return undefined
    if (this.#refusal !== undefined && now() < this.#refusal.untilMs) return undefined
    return await this.#ask(source, false)
  }

  /**
   * The upstream refused `credentials`.
   * @returns newer ones to try at once, where their source has any
   */
  async refuse(credentials: Credentials, why: string): Promise<Credentials | undefined> {
    const { source } = this.#options
    for (const isStale of [false, true]) {
      const known = source === undefined ? undefined : await this.#ask(source, isStale)
      if (known !== undefined && known.password !== credentials.password) return known
    }
    this.#note(why)
    return undefined
  }

  /** The upstream has taken the credentials. */
  accept(): void {
    this.#refusal = undefined
    if (!this.#isReported) return
    this.#isReported = false
    this.#options.onChange(undefined)
  }

  async #ask(source: CredentialSource, isStale: boolean): Promise<Credentials | undefined> {
    try {
      return await source.get(isStale)
    } catch (error) {
      this.#note((error as Error).message)
      return undefined
    }
  }

  #note(why: string): void {
    this.#refusal = { why, untilMs: this.#options.now() + this.#options.refusedMs }
    if (this.#isReported) return
    this.#isReported = true
    this.#options.onChange(why)
  }
}
