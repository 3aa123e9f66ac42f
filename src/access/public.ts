/**
 * Which mirrored repositories their upstream shows to anybody (design §4): what it serves only to the configured
 * account is not given to anonymous clients. Learned by asking once without credentials, and kept in the store, so that
 * neither an outage nor a restart changes anything. A known answer is used at once and asked again behind the request
 * when it is old; a question that fails counts as "not public" where nothing is known, and is not remembered.
 */
import { Memory } from '../memory.ts'
import type { RepositoryName } from '../protocol/name.ts'
import type { StorageDriver } from '../store/driver.ts'
import { publicKey } from '../store/paths.ts'

/** Age at which "public" is asked again, in milliseconds: how long a repository made private may still be shown. */
const RECHECK_PUBLIC_MS = 6 * 3_600_000

/** The same of "not public": how long one made public may still be hidden. */
const RECHECK_PRIVATE_MS = 30 * 60_000

/** Pause after a question that failed while an older answer holds, in milliseconds. */
const RETRY_MS = 5 * 60_000

/** Most answers in memory; the others are read from the store. */
const MAX_KNOWN = 50_000

/** Where a mirrored repository comes from. */
export interface PublicQuestion {
  /** Stored name. */
  readonly name: RepositoryName
  /** Name at the upstream. */
  readonly remoteName: string
  readonly upstream: {
    readonly name: string
    readonly hasCredentials: boolean
    isPublic(remoteName: string): Promise<boolean>
  }
}

/** What an upstream said, and when. */
interface Known {
  readonly isPublic: boolean
  /** Milliseconds since the epoch. */
  readonly askedAtMs: number
  /** Name of the upstream: another one's answer is worth nothing. */
  readonly upstream: string
}

/** What the memory of answers stands on. */
export interface PublicRepositoriesOptions {
  readonly store: Pick<StorageDriver, 'read' | 'writeLazily'>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Told of a question that failed; the message names the repository and holds no secret. */
  readonly onProblem: (message: string, cause: unknown) => void
}

/** Remembers which repositories are public. */
export class PublicRepositories {
  readonly #options: PublicRepositoriesOptions
  readonly #now: () => number
  readonly #known = new Memory<RepositoryName, Known>(MAX_KNOWN)
  readonly #asking = new Map<RepositoryName, Promise<boolean | undefined>>()
  readonly #pausedUntilMs = new Memory<RepositoryName, number>(MAX_KNOWN)

  constructor(options: PublicRepositoriesOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Whether the repository's upstream shows it to anybody, as far as is known. Never throws. */
  async isPublic(question: PublicQuestion): Promise<boolean> {
    // What an upstream gives us without an account it gives to everybody.
    if (!question.upstream.hasCredentials) return true
    const known = await this.#recall(question)
    if (known === undefined) return (await this.#ask(question)) ?? false
    if (this.#isOld(known) && this.#now() >= (this.#pausedUntilMs.get(question.name) ?? 0))
      void this.#ask(question)
    return known.isPublic
  }

  #isOld({ isPublic, askedAtMs }: Known): boolean {
    const ageMs = this.#now() - askedAtMs
    return ageMs < 0 || ageMs >= (isPublic ? RECHECK_PUBLIC_MS : RECHECK_PRIVATE_MS)
  }

  async #recall({ name, upstream }: PublicQuestion): Promise<Known | undefined> {
    const known = this.#known.get(name) ?? (await this.#read(name))
    return known?.upstream === upstream.name ? known : undefined
  }

  async #read(name: RepositoryName): Promise<Known | undefined> {
    try {
      const known = parseKnown((await this.#options.store.read(publicKey(name)))?.toString())
      if (known !== undefined) this.#known.set(name, known)
      return known
    } catch (error) {
      this.#options.onProblem(`whether ${name} is public could not be read from the store`, error)
      return undefined
    }
  }

  /** Asks once for all who wait; `undefined`: it could not be found out. */
  #ask(question: PublicQuestion): Promise<boolean | undefined> {
    const { name } = question
    const running = this.#asking.get(name)
    if (running !== undefined) return running
    const asking = this.#askUpstream(question).finally(() => this.#asking.delete(name))
    this.#asking.set(name, asking)
    return asking
  }

  async #askUpstream({ name, remoteName, upstream }: PublicQuestion): Promise<boolean | undefined> {
    try {
      const isPublic = await upstream.isPublic(remoteName)
      await this.#remember(name, { isPublic, askedAtMs: this.#now(), upstream: upstream.name })
      return isPublic
    } catch (error) {
      this.#pausedUntilMs.set(name, this.#now() + RETRY_MS)
      this.#options.onProblem(`whether ${upstream.name} shows ${name} to anybody is not known`, error)
      return undefined
    }
  }

  async #remember(name: RepositoryName, known: Known): Promise<void> {
    this.#known.set(name, known)
    try {
      await this.#options.store.writeLazily(publicKey(name), JSON.stringify(known))
    } catch (error) {
      this.#options.onProblem(`whether ${name} is public could not be kept in the store`, error)
    }
  }
}

const parseKnown = (text: string | undefined): Known | undefined => {
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text) as Partial<Known> | null
    const { isPublic, askedAtMs, upstream } = value ?? {}
    const isKnown =
      typeof isPublic === 'boolean' && typeof askedAtMs === 'number' && typeof upstream === 'string'
    return isKnown ? { isPublic, askedAtMs, upstream } : undefined
  } catch {
    return undefined
  }
}
