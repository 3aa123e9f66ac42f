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
  /** Whether the upstream took the credentials the last time. */
  #isAccepted = false
  #trial: Promise<void> | undefined

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

  /**
   * Does `work` with the credentials to send, or with `undefined` to go anonymously. Until the upstream has taken the
   * credentials once they are used by one at a time: a wrong password is sent once, not by everybody who waits.
   */
  async use<T>(work: (credentials: Credentials | undefined) => Promise<T>): Promise<T> {
    for (;;) {
      const credentials = await this.#current()
      if (credentials === undefined || this.#isAccepted) return await work(credentials)
      if (this.#trial === undefined) return await this.#try(() => work(credentials))
      await this.#trial
    }
  }

  async #current(): Promise<Credentials | undefined> {
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
    this.#isAccepted = true
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

  async #try<T>(work: () => Promise<T>): Promise<T> {
    const trial = work()
    this.#trial = trial.then(
      () => {},
      () => {},
    )
    try {
      return await trial
    } finally {
      this.#trial = undefined
    }
  }

  #note(why: string): void {
    this.#isAccepted = false
    this.#refusal = { why, untilMs: this.#options.now() + this.#options.refusedMs }
    if (this.#isReported) return
    this.#isReported = true
    this.#options.onChange(why)
  }
}
