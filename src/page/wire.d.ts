/** What the admin API answers, as far as the page reads it. Sizes in bytes, times in ISO 8601; `GET /admin/openapi.json` has all of it. */

export type UpstreamState = 'well' | 'unwell' | 'limited' | 'refused' | 'outage' | 'unknown'

export interface RateLimit {
  readonly limit: number
  readonly remaining: number
  readonly windowS?: number
}

/** An upstream: the first four fields for everybody, the others behind the login. */
export interface Upstream {
  readonly name: string
  readonly host: string
  readonly state: UpstreamState
  readonly rateLimit?: RateLimit
  readonly remoteurl?: string
  readonly hasCredentials?: boolean
  readonly lastError?: string
  readonly lastErrorAt?: string
  readonly limitedUntil?: string
  readonly queue?: { readonly requests: number; readonly transfers: number }
  readonly outageUntil?: string
}

export interface Status {
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
  readonly upstreams: readonly Upstream[]
}

export interface Fetch {
  readonly digest: string
  readonly repository: string
  readonly upstream: string
  readonly writtenBytes: number
  readonly sizeBytes?: number
  readonly readers: number
  readonly startedAt: string
  readonly resumes: number
}

export interface Repository {
  readonly name: string
  readonly kind: 'mirrored' | 'local' | 'unclaimed'
  readonly upstream?: string
  readonly tags: number
  readonly manifests: number
  readonly sizeBytes: number
  readonly usedAt?: string
  readonly pulls: number
}

export interface Tag {
  readonly tag: string
  readonly digest: string
  readonly mediaType: string
  readonly platforms?: readonly string[]
  readonly sizeBytes: number
  readonly ownBytes: number
  readonly askedAt?: string
  readonly isFresh?: boolean
  readonly usedAt?: string
  readonly pulls: number
  readonly isPinned: boolean
}

export interface Manifest {
  readonly digest: string
  readonly mediaType: string
  readonly sizeBytes: number
  readonly ownBytes: number
  readonly usedAt?: string
  readonly isPinned: boolean
  readonly tags: readonly string[]
}

export interface Contents {
  readonly name: string
  readonly kind: Repository['kind']
  readonly upstream?: string
  readonly tags: readonly Tag[]
  /** Those of the tags, and others. */
  readonly manifests: readonly Manifest[]
  /** How many there are, also where not all are told. */
  readonly tagCount: number
  readonly manifestCount: number
  readonly sizeBytes: number
}

/** What a purge is to take. */
export interface Selection {
  readonly repository?: string
  readonly tag?: string
  readonly digest?: string
  readonly pattern?: string
  readonly upstream?: string
  readonly unusedFor?: string
  readonly all?: true
}

export interface Purge {
  readonly isDryRun: boolean
  readonly repositories: number
  readonly tags: number
  readonly manifests: number
  readonly blobs: number
  readonly bytes: number
  readonly items: readonly { readonly repository: string; readonly tag?: string; readonly digest?: string }[]
}

export interface Pin {
  readonly repository: string
  readonly reference: string
}

export interface Job {
  readonly id: string
  readonly kind: 'warm' | 'scrub' | 'gc'
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly startedAt: string
  readonly endedAt?: string
  readonly progress: {
    readonly done: number
    readonly total?: number
    readonly bytes: number
    readonly totalBytes?: number
  }
  readonly result?: unknown
  readonly error?: string
  readonly items?: readonly { readonly name: string; readonly state: string; readonly error?: string }[]
}

export interface Explanation {
  readonly reference: string
  readonly repository: string
  readonly kind: string
  readonly upstream?: string
  readonly upstreamName?: string
  readonly verdict: 'hit' | 'ask' | 'miss' | 'stale' | 'local' | 'refused'
  readonly reasons: readonly string[]
  readonly digest?: string
  readonly askedAt?: string
  readonly freshUntil?: string
  readonly isComplete?: boolean
  readonly missing?: readonly string[]
  readonly isPinned: boolean
  readonly upstreamState?: UpstreamState
}
