/** What happened to content of a repository, as it is told to whoever wants to know. */
import type { Operation } from '../observe/operation-meter.ts'
import type { ContentType } from '../observe/read-meter.ts'
import type { Digest } from '../protocol/digest.ts'
import type { RepositoryName, Tag } from '../protocol/name.ts'

/** One event. */
export interface RegistryEvent {
  /** One of the words of distribution's notifications (protocol.md §11.2). */
  readonly action: Operation
  readonly type: ContentType
  readonly repository: RepositoryName
  /** `undefined` for the delete of a tag. */
  readonly digest: Digest | undefined
  /** The tag that the request named. */
  readonly tag: Tag | undefined
  /** `undefined` for a delete. */
  readonly mediaType: string | undefined
  readonly sizeBytes: number | undefined
  /** Where a mounted blob came from. */
  readonly fromRepository?: RepositoryName
  /** Bytes of a manifest that was pushed or pulled: it is told what it names, if the settings say so. */
  readonly manifest?: Uint8Array | undefined
}

/** Who did it, and how. */
export interface EventRequest {
  readonly method: string
  readonly host: string
  /** Address of the client, with its port where that is known. */
  readonly address: string
  readonly userAgent: string
  /** Empty for anonymous. */
  readonly account: string
  /** URL of this registry as the client sees it, up to and with the slash before `v2/`. */
  readonly baseUrl: string
}

/** Takes an event; it does not throw, and nobody waits for it. */
export type OnEvent = (event: RegistryEvent, request: EventRequest) => void
