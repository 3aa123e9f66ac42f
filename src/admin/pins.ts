/** Pins: what an operator wishes to keep whatever the disk budget says, as far as it could go at all. */
import { RegistryError } from '../protocol/error.ts'
import { formatReference, type Reference, type RepositoryName } from '../protocol/name.ts'
import type { Repositories } from '../repository.ts'
import type { PinStore } from '../store/pins.ts'

/** Pins that one answer tells of. */
const MAX_PINS = 10_000

/** Where they are kept. */
export interface PinsOptions {
  readonly pins: PinStore
  readonly repositories: Pick<Repositories, 'classify'>
}

/** Pins and unpins. */
export class Pins {
  readonly #options: PinsOptions

  constructor(options: PinsOptions) {
    this.#options = options
  }

  /** The pins of one repository or of all. @throws StorageError, the signal's reason */
  async list(name: RepositoryName | undefined, signal: AbortSignal) {
    const pins: { repository: string; reference: string }[] = []
    for await (const repository of this.#names(name)) {
      signal.throwIfAborted()
      for (const reference of await this.#options.pins.list(repository))
        if (pins.length < MAX_PINS) pins.push({ repository, reference: formatReference(reference) })
    }
    return { pins }
  }

  /**
   * Pins a reference, which need not be here yet.
   * @throws RegistryError `DENIED` with 409 for what is local, and so stays anyway; StorageError
   */
  async add(name: RepositoryName, reference: Reference): Promise<void> {
    const { pins, repositories } = this.#options
    if ((await repositories.classify(name)).kind === 'local')
      throw new RegistryError('DENIED', {
        status: 409,
        message: `${name} is local: what was pushed is never evicted, and needs no pin`,
      })
    await pins.add(name, reference)
  }

  /** Unpins a reference; one that is not pinned stays so. @throws StorageError */
  async remove(name: RepositoryName, reference: Reference): Promise<void> {
    await this.#options.pins.remove(name, reference)
  }

  async *#names(name: RepositoryName | undefined): AsyncGenerator<RepositoryName, void, void> {
    if (name !== undefined) yield name
    else yield* this.#options.pins.walk()
  }
}
