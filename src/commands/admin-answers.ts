/** What the admin API answers, as far as the command line reads it. Sizes in bytes, times in ISO 8601. */
import type { Progress } from './progress.ts'

/** How many requests a registry still grants: of `limit`, in a window of `windowS` seconds. */
export interface RateLimit {
  readonly limit: number
  readonly remaining: number
  readonly windowS?: number
}

/** `GET /admin/v1/status`. What is not known yet is left out; counts are since the start, `savedBytes` for ever. */
export interface StatusAnswer {
  readonly version: string
  readonly startedAt: string
  readonly cache: {
    readonly sizeBytes?: number
    readonly limitBytes?: number
    readonly freeBytes?: number
    readonly totalBytes?: number
    readonly minFreeBytes?: number
    readonly evictedBytes?: number
  }
  readonly traffic: {
    readonly hits: number
    readonly misses: number
    readonly hitRatio?: number
    readonly hitRatioBytes?: number
    readonly toClientsBytes: number
    readonly fromUpstreamBytes: number
    readonly savedBytes: number
  }
  readonly fetches: { readonly active: number }
  readonly upstreams: readonly {
    readonly name: string
    readonly host: string
    readonly state: string
    readonly rateLimit?: RateLimit
  }[]
}

/** An entry of `GET /admin/v1/repositories`. */
export interface RepositoryEntry {
  readonly name: string
  readonly kind: string
  readonly upstream?: string
  readonly tags: number
  readonly manifests: number
  readonly sizeBytes: number
  readonly usedAt?: string
  readonly pulls: number
}

/** `GET /admin/v1/repositories`. */
export interface RepositoriesAnswer {
  readonly repositories: readonly RepositoryEntry[]
  /** For `last`, where there are more. */
  readonly next?: string
}

/** A tag in `GET /admin/v1/contents`. */
export interface TagEntry {
  readonly tag: string
  readonly digest: string
  readonly platforms?: readonly string[]
  readonly sizeBytes: number
  readonly ownBytes: number
  readonly askedAt?: string
  readonly isFresh?: boolean
  readonly usedAt?: string
  readonly pulls: number
  readonly isPinned: boolean
}

/** A manifest in `GET /admin/v1/contents`. */
export interface ManifestEntry {
  readonly digest: string
  readonly mediaType: string
  readonly sizeBytes: number
  readonly ownBytes: number
  readonly usedAt?: string
  readonly isPinned: boolean
  readonly tags: readonly string[]
}

/** `GET /admin/v1/contents`. */
export interface ContentsAnswer {
  readonly name: string
  readonly kind: string
  readonly upstream?: string
  readonly tags: readonly TagEntry[]
  /** For `last`, where there are more tags. */
  readonly next?: string
  /** Those of the tags, and others, as far as they are told. */
  readonly manifests: readonly ManifestEntry[]
  readonly manifestCount?: number
  readonly sizeBytes: number
}

/** `POST /admin/v1/purge`. */
export interface PurgeAnswer {
  readonly isDryRun: boolean
  readonly repositories: number
  readonly tags: number
  readonly manifests: number
  readonly blobs: number
  readonly bytes: number
  /** At most a thousand. */
  readonly items: readonly { readonly repository: string; readonly tag?: string; readonly digest?: string }[]
}

/** `GET /admin/v1/pins`. */
export interface PinsAnswer {
  readonly pins: readonly { readonly repository: string; readonly reference: string }[]
}

/** `POST /admin/v1/refresh`. */
export interface RefreshAnswer {
  readonly digest: string
  readonly previousDigest?: string
  readonly isChanged: boolean
}

/** `GET /admin/v1/explain`. */
export interface ExplainAnswer {
  readonly reference: string
  /** As it is stored. */
  readonly repository: string
  readonly kind: string
  readonly upstream?: string
  readonly upstreamName?: string
  readonly verdict: string
  readonly reasons: readonly string[]
  readonly digest?: string
  readonly askedAt?: string
  readonly freshUntil?: string
  readonly isComplete?: boolean
  readonly missing?: readonly string[]
  readonly isPinned: boolean
  readonly upstreamState?: string
}

/** An entry of `GET /admin/v1/jobs`. */
export interface Job {
  readonly id: string
  readonly kind: string
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly startedAt: string
  readonly endedAt?: string
  readonly progress: Progress
  readonly result?: unknown
  readonly error?: string
  readonly items?: readonly { readonly name: string; readonly state: string; readonly error?: string }[]
}

/** `GET /admin/v1/jobs`. */
export interface JobsAnswer {
  readonly jobs: readonly Job[]
}
/** `GET /admin/v1/upstreams`. */
export interface UpstreamsAnswer {
  readonly upstreams: readonly {
    readonly name: string
    readonly host: string
    readonly remoteurl: string
    readonly hasCredentials: boolean
    readonly state: string
    readonly lastError?: string
    readonly lastErrorAt?: string
    readonly limitedUntil?: string
    /** Why the account is refused. */
    readonly refusedCredentials?: string
    readonly rateLimit?: RateLimit
    readonly outageUntil?: string
  }[]
}
