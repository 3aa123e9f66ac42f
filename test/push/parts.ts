/** Everything that takes pushes, on a folder of its own and without HTTP; nothing is asked upstream. */
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { MemoryCoordinator } from '../../src/coordinator/coordinator.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { parseRepositoryName } from '../../src/protocol/name.ts'
import { Claims } from '../../src/push/claim.ts'
import { Uploads } from '../../src/push/upload.ts'
import type { Repository } from '../../src/repository.ts'
import { UPLOADS_FOLDER } from '../../src/store/paths.ts'
import { UploadStore } from '../../src/store/uploads.ts'
import { createStore } from '../../src/wiring/store.ts'

/** How to make them. */
export interface PartsOptions {
  readonly now?: () => number
  /** Id of this process, of those that are still alive. */
  readonly owner?: string
  readonly alive?: ReadonlySet<string>
}

/** A local repository. */
export const localRepository = (name: string): Repository => ({
  kind: 'local',
  name: parseRepositoryName(name),
  origin: undefined,
})

/** Opens the parts of one process on a store. */
export const openParts = (root: string, options: PartsOptions = {}) => {
  const { now = Date.now, owner: id = 'us', alive = new Set([id]) } = options
  const store = createStore(root, silentLogger)
  const coordinator = new MemoryCoordinator()
  const owner = { id, stateOf: async (other: string) => (alive.has(other) ? 'alive' : 'gone') } as const
  const uploadStore = new UploadStore(join(root, UPLOADS_FOLDER), owner)
  const claims = new Claims({
    ...store,
    repositories: { isMirroredHere: async () => false },
    uploads: uploadStore,
    coordinator,
    isPushOn: true,
    log: silentLogger,
  })
  const clock = { ms: 0 }
  const uploads = new Uploads({
    ...store,
    store: uploadStore,
    claims,
    log: silentLogger,
    now,
    monotonicNow: () => clock.ms,
  })
  return { ...store, uploadStore, coordinator, claims, uploads, clock }
}

/** A body that has come whole. */
export const bodyOf = (bytes: Buffer): Readable => Readable.from(bytes.length === 0 ? [] : [bytes])

/** A body whose client sends some bytes and leaves. */
export const brokenBody = (bytes: Buffer): Readable =>
  Readable.from(
    (async function* () {
      if (bytes.length > 0) yield bytes
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    })(),
  )

/** A body that comes as its test says. */
export class SlowBody extends Readable {
  override _read(): void {
    this.emit('wanted')
  }

  /** Sends bytes, and resolves when whoever reads wants more. */
  async send(bytes: Buffer): Promise<void> {
    const wanted = once(this, 'wanted')
    this.push(bytes)
    await wanted
  }

  /** Ends it. */
  end(): void {
    this.push(null)
  }
}
