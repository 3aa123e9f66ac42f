/**
 * What anybody may pull, remembered for a moment: which repository a name means, and that no credentials were needed. To
 * find that out anew is a quarter of what a warm manifest costs. Only what was allowed is remembered, and only until a
 * repository becomes local or mirrored: that is seen at once.
 */
import type { Identity } from '../access/authenticate.ts'
import { Memory } from '../memory.ts'
import type { Repository } from '../repository.ts'

/** What a request was let in to. */
export interface Admitted {
  readonly repository: Repository
  readonly identity: Identity
}

/** How long it is believed, in milliseconds: what other processes change is seen after that. */
const KNOWN_FOR_MS = 1000
const MAX_KNOWN = 10_000

/** Remembers pulls without credentials that were let in. */
export class OpenPulls {
  readonly #known = new Memory<string, Admitted>(MAX_KNOWN, { ttl: KNOWN_FOR_MS })
  readonly #countChanges: () => number
  #changes = 0

  /** @param countChanges how often a repository has become local or mirrored, or ceased to be */
  constructor(countChanges: () => number) {
    this.#countChanges = countChanges
  }

  /** What is remembered. */
  get(key: string): Admitted | undefined {
    const changes = this.#countChanges()
    if (changes !== this.#changes) this.#known.clear()
    this.#changes = changes
    return this.#known.get(key)
  }

  /** Remembers what `admit` resolves to, unless something changed meanwhile. @throws whatever `admit` throws */
  async remember(key: string, admit: () => Promise<Admitted>): Promise<Admitted> {
    const changes = this.#countChanges()
    const admitted = await admit()
    if (changes === this.#countChanges()) this.#known.set(key, admitted)
    return admitted
  }
}
