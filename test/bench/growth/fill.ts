/**
 * Large stores, laid out as the server itself would: in memory and by synchronous calls, since a disk takes ten minutes to
 * remove a million small files. Everything hangs on one image.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Digest } from '../../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../../src/protocol/name.ts'
import { blobKey, layerLinkKey, revisionLinkKey, tagCurrentKey } from '../../../src/store/paths.ts'
import { run } from '../../e2e/support/run.ts'
import { makeQuickFolder } from '../../support/quick-folder.ts'
import type { Bench } from '../bench.ts'
import { type Blob, readBlob } from '../content.ts'
import type { Image } from '../image.ts'

/** Longest time that a removal may take, in milliseconds. */
const REMOVE_MS = 600_000

const write = (path: string, bytes: string | Uint8Array): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

/** A store under construction. */
export class StoreFiller {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  /** Begins an empty store, which is removed with the workspace at the latest. */
  static async open({ workspace }: Bench): Promise<StoreFiller> {
    const store = new StoreFiller(await makeQuickFolder())
    workspace.defer(() => store.remove())
    return store
  }

  /** Puts the bytes of an image there. */
  addBytes({ manifest, blobs }: Image): void {
    write(join(this.root, blobKey(manifest.digest)), manifest.bytes)
    for (const blob of blobs) this.addBlob(blob)
  }

  addBlob(blob: Blob): void {
    write(join(this.root, blobKey(blob.digest)), readBlob(blob))
  }

  /** Lets a repository have an image. */
  addImage(name: RepositoryName, { manifest, blobs }: Image): void {
    this.#link(revisionLinkKey(name, manifest.digest), manifest.digest)
    for (const { digest } of blobs) this.addLink(name, digest)
  }

  addTag(name: RepositoryName, tag: Tag, digest: Digest): void {
    this.#link(tagCurrentKey(name, tag), digest)
  }

  addLink(name: RepositoryName, digest: Digest): void {
    this.#link(layerLinkKey(name, digest), digest)
  }

  /** A blob that takes no room on the disk. */
  addSparseBlob(digest: Digest, sizeBytes: number): void {
    const path = join(this.root, blobKey(digest))
    mkdirSync(dirname(path), { recursive: true })
    const file = openSync(path, 'w')
    ftruncateSync(file, sizeBytes)
    closeSync(file)
  }

  /** Removes all of it: `rm` does so in a fraction of the time that it takes from here. */
  async remove(): Promise<void> {
    await run('rm', ['-rf', this.root], { env: { PATH: process.env.PATH ?? '' }, timeoutMs: REMOVE_MS })
  }

  #link(key: string, digest: Digest): void {
    write(join(this.root, key), digest)
  }
}
