/** What an operator wishes to keep whatever the disk budget says: references of mirrored repositories, one entry each. */
import { isRepositoryName, isTag, type Reference, type RepositoryName } from '../protocol/name.ts'
import type { StorageDriver } from './driver.ts'
import { MARKS_PREFIX, PINS_FOLDER, parseFileDigest, pinKey, pinsPrefix } from './paths.ts'

/** The pins of all repositories. */
export class PinStore {
  readonly #driver: StorageDriver

  constructor(driver: StorageDriver) {
    this.#driver = driver
  }

  /** Pins a reference: whatever it stands for, now and later. */
  async add(name: RepositoryName, reference: Reference): Promise<void> {
    await this.#driver.write(pinKey(name, reference), '')
  }

  /** Unpins a reference. */
  async remove(name: RepositoryName, reference: Reference): Promise<void> {
    await this.#driver.remove(pinKey(name, reference))
  }

  /** The pinned references of a repository. */
  async list(name: RepositoryName): Promise<Reference[]> {
    const tags = await this.#driver.list(pinsPrefix(name, 'tag'))
    const digests = await this.#driver.list(pinsPrefix(name, 'digest'))
    return [
      ...tags.filter(isTag).map((tag) => ({ kind: 'tag', tag }) as const),
      ...digests.flatMap((entry) => {
        const digest = parseFileDigest(entry)
        return digest === undefined ? [] : [{ kind: 'digest', digest } as const]
      }),
    ]
  }

  /** The repositories with pins, whether anything of them is stored or not. */
  async *walk(parent = ''): AsyncGenerator<RepositoryName, void, void> {
    const entries = await this.#driver.list(parent === '' ? MARKS_PREFIX : `${MARKS_PREFIX}/${parent}`)
    if (entries.includes(PINS_FOLDER) && isRepositoryName(parent)) yield parent
    for (const entry of entries)
      if (!entry.startsWith('_')) yield* this.walk(parent === '' ? entry : `${parent}/${entry}`)
  }
}
