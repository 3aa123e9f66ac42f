/**
 * Which repositories may be pushed to, and what makes one local (design §2): names that `local.repositories` lists; what
 * is local already; and names that no upstream knows. The mark that a repository is local is on disk before the first
 * upload is accepted, for good once something was stored, and lifted when a first push left nothing.
 */
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Logger } from '../observe/log.ts'
import { RegistryError } from '../protocol/error.ts'
import type { RepositoryName } from '../protocol/name.ts'
import { askExistence, type Mirrored, type Repositories, type Repository } from '../repository.ts'
import type { MarkStore } from '../store/marks.ts'
import type { UploadStore } from '../store/uploads.ts'

/** Longest wait for an upstream's word on a name, in milliseconds. */
const DEADLINE_MS = 25_000

/** How long an upstream's word that it does not know a name is enough for further uploads, in milliseconds. */
const FREE_FOR_MS = 5_000

const SETTING = 'to push there all the same, list the name under local.repositories'

/** What claims stand on. */
export interface ClaimsOptions {
  readonly repositories: Pick<Repositories, 'isMirroredHere'>
  readonly marks: MarkStore
  readonly uploads: UploadStore
  readonly coordinator: Coordinator
  /** `local.push`: whether anybody may push at all. */
  readonly isPushOn: boolean
  readonly log: Logger
}

const denied = (name: RepositoryName, reason: string): RegistryError =>
  new RegistryError('DENIED', { message: `${name} cannot be pushed to: ${reason}; ${SETTING}` })

/** Decides on pushes, and keeps the marks. */
export class Claims {
  readonly #options: ClaimsOptions

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  /** @throws RegistryError `UNSUPPORTED` where nobody may push */
  requirePush(): void {
    if (this.#options.isPushOn) return
    throw new RegistryError('UNSUPPORTED', {
      message:
        'this registry takes no pushes: local.push is off, as it is beside an upstream unless it is set',
      headers: { Allow: 'GET, HEAD' },
    })
  }

  /**
   * Whether a repository may be pushed to; nothing is marked yet.
   * @throws RegistryError `UNSUPPORTED`, `DENIED`
   */
  async check(repository: Repository): Promise<void> {
    this.requirePush()
    if (repository.kind === 'local') return
    if (await this.#isMirroredHere(repository))
      throw denied(repository.name, `it is mirrored from ${repository.origin.upstream.name}`)
    await this.#requireAbsence(repository)
  }

  /**
   * Begins a push: marks the repository, and runs `create`, which makes the upload that the mark stands for.
   * @throws RegistryError `UNSUPPORTED`, `DENIED`; StorageError
   */
  async begin<T>(repository: Repository, create: () => Promise<T>): Promise<T> {
    await this.check(repository)
    const { marks } = this.#options
    const { name } = repository
    if (isKept(await marks.read(name))) return create()
    return this.#alone(name, async () => {
      if ((await marks.read(name))?.kind !== 'local')
        await marks.write(name, { kind: 'local', isKept: false })
      return create()
    })
  }

  /** Something is about to be stored: the repository is local for good. @throws StorageError */
  async keep(name: RepositoryName): Promise<void> {
    const { marks } = this.#options
    if (isKept(await marks.read(name))) return
    await this.#alone(name, () => marks.write(name, { kind: 'local', isKept: true }))
  }

  /** An upload ended without a blob: where it was a first push, and nothing is left of it, so goes the mark. */
  async lift(name: RepositoryName): Promise<void> {
    const { marks } = this.#options
    if (isKept(await marks.read(name))) return
    await this.#alone(name, async () => {
      // Another process may have stored something a moment ago.
      const mark = await marks.reread(name)
      if (mark?.kind !== 'local' || isKept(mark) || (await this.#hasUploads(name))) return
      await marks.remove(name)
    })
  }

  async #isMirroredHere({ name, origin }: Mirrored): Promise<boolean> {
    const { repositories } = this.#options
    if (await repositories.isMirroredHere(name)) return true
    // A bare name would stand before the official image of that name.
    return !name.includes('/') && repositories.isMirroredHere(origin.name)
  }

  /** What an upstream has must not be shadowed; nor what it may have, as long as it cannot be asked. */
  async #requireAbsence({ name, origin }: Mirrored): Promise<void> {
    const { coordinator, log } = this.#options
    const { upstream } = origin
    const key = `free ${name}`
    if ((await coordinator.recall(key)) !== undefined) return
    const found = await coordinator.once(`exists ${name}`, () => askExistence(origin, DEADLINE_MS))
    // Clients begin several uploads at once, and not all of them before the upstream has answered for the first.
    if (found.kind === 'absent') return coordinator.remember(key, true, FREE_FOR_MS)
    if (found.kind === 'exists') throw denied(name, `${upstream.name} has a repository of that name`)
    log.warn({ err: found.error, repository: name }, 'first push refused: the upstream could not be asked')
    throw denied(name, `whether ${upstream.name} has it could not be found out (${found.error.kind})`)
  }

  async #hasUploads(name: RepositoryName): Promise<boolean> {
    const { uploads } = this.#options
    for (const id of await uploads.list()) if ((await uploads.find(id))?.name === name) return true
    return false
  }

  #alone<T>(name: RepositoryName, work: () => Promise<T>): Promise<T> {
    return this.#options.coordinator.exclusive(`mark ${name}`, work)
  }
}

const isKept = (mark: Awaited<ReturnType<MarkStore['read']>>): boolean =>
  mark?.kind === 'local' && mark.isKept
