/** What happened to content of a repository, for whoever wants to be told: notifications, statistics. */
import type { Digest } from '../protocol/digest.ts'
import type { RepositoryName, Tag } from '../protocol/name.ts'

/** One event; its words are those of distribution's notifications (protocol.md §11.2). */
export interface RegistryEvent {
  readonly action: 'pull' | 'push' | 'mount' | 'delete'
  readonly type: 'blob' | 'manifest'
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
}

/** Who did it, and how. */
export interface EventRequest {
  readonly method: string
  readonly host: string
  /** Address of the client. */
  readonly address: string
  readonly userAgent: string
  /** Empty for anonymous. */
  readonly account: string
  /** Name of the repository as the URL has it. */
  readonly name: string
}

/** Takes an event; it must not throw, and nobody waits for it. */
export type OnEvent = (event: RegistryEvent, request: EventRequest) => void
