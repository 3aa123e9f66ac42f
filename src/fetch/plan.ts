/** What a download is given: what to fetch from whom, and what to work with. */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import type { MakeRoom } from '../store/room.ts'
import type { Priority, Upstream } from '../upstream/upstream.ts'
import type { LayerPlace } from './layer-order.ts'
import type { Partials } from './partials.ts'
import type { Clock } from './source.ts'

/** Says whether what is fetched may be kept. */
export interface Admission {
  /** Asked before a download writes. @throws StorageError where it may not */
  admit(plan: FlightPlan): Promise<void>
  /** Asked when the upstream has told the size of the whole, in bytes. @throws StorageError where it is too large */
  requireFit(plan: FlightPlan, sizeBytes: number | undefined): void
}

/** What a flight works with. */
export interface FlightTools {
  readonly partials: Partials
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  /** How long a download is taken up again without one new byte, in milliseconds. */
  readonly giveUpAfterMs: number
  /** Whether a flight ends when its last reader leaves; its partial stays. */
  readonly abandons: boolean
  readonly admission?: Admission | undefined
  /** Asked once for every write that finds the disk full, before the flight stops writing. */
  readonly makeRoom?: MakeRoom
}

/** What a flight has fetched: all of it, verified. */
export interface FetchedBlob {
  /** Absolute path of its file. */
  readonly file: string
  readonly sizeBytes: number
  /** The sha256 digest under which its bytes are to lie. */
  readonly stored: Digest
}

/** What a flight is to fetch, and what becomes of it. */
export interface FlightPlan {
  readonly digest: Digest
  readonly upstream: Upstream
  /** Repository name at the upstream. */
  readonly name: string
  /** Size in bytes as a descriptor told it; used where the upstream does not tell. */
  readonly sizeBytes?: number | undefined
  readonly priority: Priority
  /** Its place among the layers of an image, where it is one. */
  readonly layer?: LayerPlace | undefined
  /** Takes over the finished file. */
  readonly store: (blob: FetchedBlob) => Promise<void>
}

/** How a flight begins. */
export interface FlightStart {
  /** What must have ended before: an earlier flight that has this digest's partial still open. */
  readonly after?: Promise<unknown> | undefined
  /** Whether nothing is left of the digest, as certainly as that is known without looking, and the disk took the last one. */
  readonly isNew?: boolean
}
