/**
 * Large stores, laid out as the server itself would: by synchronous calls, which is several times faster for a million
 * small files. Everything hangs on one image.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Digest } from '../../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../../src/protocol/name.ts'
import { blobKey, layerLinkKey, revisionLinkKey, tagCurrentKey } from '../../../src/store/paths.ts'
import { readBlob } from '../content.ts'
import type { Image } from '../image.ts'

const write = (path: string, bytes: string | Uint8Array): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

/** A store under construction. */
export class StoreFiller {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Puts the bytes of an image there. */
  addBytes({ manifest, blobs }: Image): void {
    write(join(this.root, blobKey(manifest.digest)), manifest.bytes)
    for (const blob of blobs) write(join(this.root, blobKey(blob.digest)), readBlob(blob))
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

  #link(key: string, digest: Digest): void {
    write(join(this.root, key), digest)
  }
}
