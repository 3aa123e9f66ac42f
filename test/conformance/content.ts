/** Content for the suite to push: blobs, manifests, and sets of them that belong together. */
import { type DigestAlgorithm, digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'

/** Bytes under their digest. */
export interface Content {
  readonly digest: string
  readonly bytes: Buffer
}

/** A manifest, and under which tags it is pushed besides its digest. */
export interface Manifest extends Content {
  readonly mediaType: string
  readonly tags: readonly string[]
}

/** Bytes that only `name` has. */
export const makeBlob = (name: string, sizeBytes: number, algorithm: DigestAlgorithm = 'sha256'): Content => {
  const bytes = seededBytes(sizeBytes, `${name} ${algorithm}`)
  return { bytes, digest: digestOf(bytes, algorithm) }
}

/** A descriptor as it travels. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly data?: string
  readonly [field: string]: unknown
}

/** A referrer that the registry must list. */
export interface ExpectedReferrer {
  readonly subject: string
  readonly entry: Descriptor
  readonly artifactType: string
}

/** Media types of what sets are made of. */
export const TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerTar: 'application/vnd.oci.image.layer.v1.tar',
  foreignLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
} as const

const LAYER_BYTES = 2048

/** Collects what a set pushes: blobs in any order, manifests in the order of pushing. */
export class ContentSet {
  readonly #seed: string
  readonly #algorithm: DigestAlgorithm
  readonly blobs = new Map<string, Content>()
  readonly manifests: Manifest[] = []
  readonly referrers: ExpectedReferrer[] = []

  /** @param seed other seed, other content */
  constructor(seed: string, algorithm: DigestAlgorithm = 'sha256') {
    this.#seed = seed
    this.#algorithm = algorithm
  }

  /** The descriptor of bytes, which are not pushed. */
  describe(bytes: Buffer, mediaType: string): Descriptor {
    return { mediaType, digest: digestOf(bytes, this.#algorithm), size: bytes.length }
  }

  /** Pushes bytes. */
  blob(bytes: Buffer, mediaType: string): Descriptor {
    const descriptor = this.describe(bytes, mediaType)
    this.blobs.set(descriptor.digest, { digest: descriptor.digest, bytes })
    return descriptor
  }

  /** Pushes a layer of the set's own bytes. */
  layer(name: string, mediaType: string = TYPES.layer): Descriptor {
    return this.blob(seededBytes(LAYER_BYTES, `${this.#seed} ${name}`), mediaType)
  }

  /** Pushes the config of an image for a platform. */
  config(architecture: string, fields: object = {}): Descriptor {
    const document = {
      architecture,
      os: 'linux',
      author: this.#seed,
      rootfs: { type: 'layers', diff_ids: [] },
    }
    return this.blob(Buffer.from(JSON.stringify({ ...document, ...fields })), TYPES.config)
  }

  /** Pushes the empty JSON document. */
  empty(): Descriptor {
    return this.blob(Buffer.from('{}'), TYPES.empty)
  }

  /** Pushes a document by its digest, and by `tags`. */
  manifest(document: { readonly mediaType: string; readonly [field: string]: unknown }, tags: string[] = []) {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...document }))
    const descriptor = this.describe(bytes, document.mediaType)
    this.manifests.push({ digest: descriptor.digest, bytes, mediaType: document.mediaType, tags })
    return descriptor
  }

  /** Pushes an image of two layers. */
  image(name: string, fields: object = {}, tags: string[] = []): Descriptor {
    const layers = [this.layer(`${name} 1`), this.layer(`${name} 2`)]
    return this.manifest({ mediaType: TYPES.manifest, config: this.config(name), layers, ...fields }, tags)
  }

  /** Pushes an artifact of one layer. */
  artifact(name: string, fields: object = {}, tags: string[] = []): Descriptor {
    const artifactType = `application/vnd.example.${name}`
    const layers = [this.layer(name, `${artifactType}.layer`)]
    const document = { mediaType: TYPES.manifest, artifactType, config: this.empty(), layers }
    return this.manifest({ ...document, ...fields }, tags)
  }

  /** Pushes an index. */
  index(manifests: readonly Descriptor[], fields: object = {}, tags: string[] = []): Descriptor {
    return this.manifest({ mediaType: TYPES.index, manifests, ...fields }, tags)
  }

  /** Expects what was pushed to be listed with its subject. */
  expectReferrer(subject: Descriptor, referrer: Descriptor, artifactType: string, fields = {}): void {
    const entry = { ...referrer, artifactType, ...fields }
    this.referrers.push({ subject: subject.digest, entry, artifactType })
  }
}
