/** The registry that everything is mirrored from: what a case asks of it. */
import type { Workspace } from '../../e2e/support/workspace.ts'
import type { TestManifest } from '../../support/images.ts'
import type { Blob } from '../content.ts'
import { ProcessTree } from '../measure/process.ts'
import type { UnpackableRecipe } from '../unpackable.ts'
import { Worker } from '../workers/worker.ts'
import type { UpstreamOptions } from './main.ts'
import type { Counts, Stock } from './registry.ts'

const MAIN = new URL('./main.ts', import.meta.url)

/** A running upstream. */
export class Upstream {
  /** `http://host:port`; like Docker Hub `https`. */
  readonly origin: string
  readonly process: ProcessTree
  readonly #worker: Worker

  private constructor(worker: Worker, origin: string) {
    this.#worker = worker
    this.origin = origin
    this.process = new ProcessTree(worker.pid)
  }

  static async start(workspace: Workspace, options: UpstreamOptions = {}): Promise<Upstream> {
    const worker = Worker.start(workspace, MAIN)
    return new Upstream(worker, await worker.call<string>('start', options))
  }

  /** Puts blobs, and manifests with their tags, into every repository. */
  async add(
    blobs: readonly Blob[],
    manifests: readonly (TestManifest & { tags: string[] })[] = [],
  ): Promise<void> {
    const stock: Stock = {
      blobs: blobs.map(({ digest, seed, sizeBytes }) => ({ digest, seed, sizeBytes })),
      manifests: manifests.map(({ digest, mediaType, bytes, tags }) => ({
        digest,
        mediaType,
        text: bytes.toString(),
        tags,
      })),
    }
    await this.#worker.call('add', stock)
  }

  /** Puts an image that an engine can unpack into every repository. */
  addUnpackable(recipe: UnpackableRecipe, tag: string): Promise<void> {
    return this.#worker.call('addUnpackable', { recipe, tag })
  }

  /** Requests so far. */
  counts(): Promise<Counts> {
    return this.#worker.call('counts')
  }

  stop(): Promise<void> {
    return this.#worker.stop()
  }
}
