/** What the scripted upstream has: manifests, tags and blobs by repository. */
import type { Digest } from '../../../src/protocol/digest.ts'
import { bufferContent, type Content } from '../bytes.ts'
import type { TestImage, TestManifest } from '../images.ts'

interface ManifestDocument {
  readonly subject?: { readonly digest: string }
  readonly artifactType?: string
  readonly config?: { readonly mediaType: string }
  readonly annotations?: Readonly<Record<string, string>>
}

/** One repository. */
export class ScriptedRepository {
  readonly manifests = new Map<string, TestManifest>()
  readonly digestByTag = new Map<string, Digest>()
  readonly blobs = new Map<string, Content>()

  /** The manifest that a tag or a digest names. */
  find(reference: string): TestManifest | undefined {
    return this.manifests.get(this.digestByTag.get(reference) ?? reference)
  }

  /** Descriptors of the manifests whose `subject` is `digest`. */
  referrersOf(digest: string): Record<string, unknown>[] {
    return [...this.manifests.values()].flatMap(({ bytes, digest: own, mediaType }) => {
      const document = JSON.parse(bytes.toString()) as ManifestDocument
      if (document.subject?.digest !== digest) return []
      const artifactType = document.artifactType ?? document.config?.mediaType
      const annotations = document.annotations
      return [{ mediaType, digest: own, size: bytes.length, artifactType, annotations }]
    })
  }
}

/** All repositories by name. */
export class ScriptedRepositories {
  readonly #byName = new Map<string, ScriptedRepository>()

  find(name: string): ScriptedRepository | undefined {
    return this.#byName.get(name)
  }

  open(name: string): ScriptedRepository {
    const repository = this.#byName.get(name) ?? new ScriptedRepository()
    this.#byName.set(name, repository)
    return repository
  }

  addManifest(name: string, tag: string | undefined, manifest: TestManifest): void {
    const repository = this.open(name)
    repository.manifests.set(manifest.digest, manifest)
    if (tag !== undefined) repository.digestByTag.set(tag, manifest.digest)
  }

  addImage(name: string, tag: string | undefined, image: TestImage): void {
    this.addManifest(name, tag, image.manifest)
    for (const blob of [image.config, ...image.layers]) this.addBlob(name, blob)
  }

  addBlob(name: string, blob: Buffer | Content): Content {
    const content = Buffer.isBuffer(blob) ? bufferContent(blob) : blob
    this.open(name).blobs.set(content.digest, content)
    return content
  }
}
