/** What a read of a manifest finds, and what it says where there is none. */
import type { Answer } from '../observe/read-meter.ts'
import type { Digest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { formatImage, type Reference } from '../protocol/name.ts'
import type { Repository } from '../repository.ts'
import type { StoredManifest } from '../store/manifests.ts'

/** A manifest, or what a `HEAD` of one tells. */
export interface FoundManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly sizeBytes: number | undefined
  /** `undefined` where only the upstream's `HEAD` was asked. */
  readonly bytes: Buffer | undefined
  /** Value of the `Warning` header of a stale answer. */
  readonly warning?: string
}

/** A manifest and how it was found. */
export interface PulledManifest extends FoundManifest {
  readonly answer: Answer
  /** Until when it holds without a look at an upstream, in milliseconds since the epoch; unset: not even now. */
  readonly freshUntilMs?: number
}

/** A stored manifest as an answer. */
export const toFound = ({ digest, mediaType, bytes }: StoredManifest): FoundManifest => ({
  digest,
  mediaType,
  sizeBytes: bytes.length,
  bytes,
})

/** The answer for a manifest that is nowhere. */
export const unknownManifest = (repository: Repository, reference: Reference): RegistryError =>
  new RegistryError('MANIFEST_UNKNOWN', {
    message: `manifest unknown: ${formatImage(repository.name, reference)}`,
    detail: reference.kind === 'tag' ? { Tag: reference.tag } : { digest: reference.digest },
  })
