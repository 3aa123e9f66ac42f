/**
 * When each blob was last used, and what it is: a line a blob, in 256 tables by the first two digits of its digest, so
 * that whoever reads them all holds one at a time.
 *
 *     <hex> <minute since 1970, base 36> <l: layer, d: document, -: not known> <upstream that it was fetched from, or ->
 *
 * The times of files will not do: under `relatime` any backup or scrub makes a whole store look used, and another user
 * may not set them. A table is rewritten whole, in one step, and never synced: at most once an hour for one blob, and what
 * a crash loses is the uses of some minutes. Uses of this process are known exactly, without the tables.
 */
import { inLanes } from '../lanes.ts'
import { Memory } from '../memory.ts'
import type { Logger } from '../observe/log.ts'
import { algorithmOf, type Digest, encodedOf } from '../protocol/digest.ts'
import type { StorageDriver } from './driver.ts'
import { bucketOf, useKey } from './paths.ts'

/** How long after a use was written another one of the same blob is not, in milliseconds. */
const WRITE_EVERY_MS = 60 * 60 * 1000
/** How often what is to be written is, in milliseconds. */
const FLUSH_EVERY_MS = 5 * 60 * 1000
/** Blobs to be written at which that is done at once. */
const FLUSH_AT = 5_000
/** Most blobs that wait to be written; uses of others are not, which a store that cannot be written makes no worse. */
const MAX_PENDING = 50_000
/** Blobs whose last use in this process is known exactly. */
const MAX_RECENT = 50_000
const MINUTE_MS = 60_000
/** Resolution of what is written when this process ends, in milliseconds. */
const CLOSE_WITHIN_MS = MINUTE_MS

const LINE = /^([0-9a-f]{64}) ([0-9a-z]{1,10}) ([ld-]) (\S{1,300})$/

/** What a blob is, where that is known: a layer, or a manifest or config, which frees nothing and costs answers. */
export type UseKind = 'layer' | 'document'

/** What was noted of a blob. */
export interface Use {
  /** Milliseconds since the epoch, as of the table to a minute. */
  readonly usedAtMs: number
  readonly kind: UseKind | undefined
  /** Name of the upstream that it was fetched from. */
  readonly upstream: string | undefined
}

/** What is to be noted of a blob besides its use. */
export type UseFacts = { readonly [K in 'kind' | 'upstream']?: Use[K] }

/** What this process knows of a blob, and when it last gave that to be written. */
interface Recent {
  usedAtMs: number
  pendedAtMs: number
  facts: UseFacts
}

type Table = Map<string, Use>

const parseTable = (text: string): Table => {
  const table: Table = new Map()
  for (const line of text.split('\n')) {
    const [, hex, minute, kind, upstream] = LINE.exec(line) ?? []
    if (hex === undefined || minute === undefined) continue
    table.set(hex, {
      usedAtMs: Number.parseInt(minute, 36) * MINUTE_MS,
      kind: kind === 'l' ? 'layer' : kind === 'd' ? 'document' : undefined,
      upstream: upstream === '-' ? undefined : upstream,
    })
  }
  return table
}

const formatTable = (table: Table): string => {
  let text = ''
  for (const [hex, { usedAtMs, kind, upstream }] of table)
    text += `${hex} ${Math.floor(usedAtMs / MINUTE_MS).toString(36)} ${kind?.[0] ?? '-'} ${upstream ?? '-'}\n`
  return text
}

const toUse = (usedAtMs: number, { kind, upstream }: UseFacts): Use => ({ usedAtMs, kind, upstream })

const isKnown = (facts: UseFacts, known: UseFacts): boolean =>
  (facts.kind ?? known.kind) === known.kind && (facts.upstream ?? known.upstream) === known.upstream

const merge = (old: Use | undefined, { usedAtMs, kind, upstream }: Use): Use => ({
  usedAtMs: Math.max(usedAtMs, old?.usedAtMs ?? 0),
  kind: kind ?? old?.kind,
  upstream: upstream ?? old?.upstream,
})

/** What is known of the uses of one bucket's blobs. */
export interface BucketUses {
  /** What was noted of a blob, or `undefined`. */
  get(digest: Digest): Use | undefined
  /** Everything noted. */
  entries(): Iterable<readonly [digest: Digest, use: Use]>
}

/** The uses of all blobs. Digests are those under which bytes lie; of any that is not sha256 nothing is noted. */
export class UseStore {
  readonly #driver: StorageDriver
  readonly #log: Logger
  readonly #now: () => number
  readonly #recent = new Memory<Digest, Recent>(MAX_RECENT)
  readonly #watchers = new Set<(digest: Digest) => void>()
  readonly #pending = new Map<Digest, Use>()
  #writing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  /** @param now milliseconds since the epoch */
  constructor(driver: StorageDriver, log: Logger, now: () => number) {
    this.#driver = driver
    this.#log = log
    this.#now = now
  }

  /** Begins to write now and then. */
  start(): void {
    this.#timer = setInterval(() => void this.flush(), FLUSH_EVERY_MS).unref()
  }

  /** Ends that, and writes what is known. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    for (const [digest, { usedAtMs, pendedAtMs }] of this.#recent.entries())
      if (usedAtMs - pendedAtMs >= CLOSE_WITHIN_MS) this.#pend(digest, usedAtMs, {})
    await this.flush()
  }

  /** A blob is used just now. */
  note(digest: Digest, facts: UseFacts = {}): void {
    if (algorithmOf(digest) !== 'sha256') return
    for (const watch of this.#watchers) watch(digest)
    const usedAtMs = this.#now()
    const recent = this.#recent.get(digest)
    const isWritten = recent !== undefined && usedAtMs - recent.pendedAtMs < WRITE_EVERY_MS
    if (isWritten && isKnown(facts, recent.facts)) recent.usedAtMs = usedAtMs
    else this.#begin(digest, usedAtMs, { ...recent?.facts, ...facts })
  }

  /** Notes what a blob is, without a use of it. */
  describe(digest: Digest, facts: UseFacts): void {
    this.#pend(digest, 0, facts)
  }

  /** Calls `watch` at every use, before {@link note} returns. @returns what ends that */
  watch(watch: (digest: Digest) => void): () => void {
    this.#watchers.add(watch)
    return () => this.#watchers.delete(watch)
  }

  /** What is known of a bucket (`00` to `ff`). @throws StorageError */
  async read(bucket: string): Promise<BucketUses> {
    const table = await this.#readTable(bucket)
    for (const [digest, use] of this.#pending)
      if (bucketOf(digest) === bucket) table.set(encodedOf(digest), merge(table.get(encodedOf(digest)), use))
    const withRecent = (digest: Digest, use: Use | undefined): Use | undefined => {
      const recent = this.#recent.peek(digest)
      return recent === undefined ? use : merge(use, toUse(recent.usedAtMs, recent.facts))
    }
    return {
      get: (digest) => withRecent(digest, table.get(encodedOf(digest))),
      entries: function* () {
        for (const [hex, use] of table) {
          const digest = `sha256:${hex}` as Digest
          yield [digest, withRecent(digest, use) ?? use]
        }
      },
    }
  }

  /** Forgets the blobs of a bucket that are none any more. @throws StorageError */
  async retain(bucket: string, isBlob: (hex: string) => boolean): Promise<void> {
    await this.#alone(async () => {
      const table = await this.#readTable(bucket)
      const sizeBefore = table.size
      for (const hex of table.keys()) if (!isBlob(hex)) table.delete(hex)
      if (table.size < sizeBefore) await this.#driver.writeLazily(useKey(bucket), formatTable(table))
    })
  }

  /** Writes what waits to be written. Never rejects: a store that cannot be written loses the uses of this time. */
  async flush(): Promise<void> {
    await this.#alone(() => this.#write()).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'uses of blobs not written')
    })
  }

  #begin(digest: Digest, usedAtMs: number, facts: UseFacts): void {
    const isPending = this.#pend(digest, usedAtMs, facts)
    this.#recent.set(digest, { usedAtMs, pendedAtMs: isPending ? usedAtMs : 0, facts })
  }

  #pend(digest: Digest, usedAtMs: number, facts: UseFacts): boolean {
    const old = this.#pending.get(digest)
    if (old === undefined && this.#pending.size >= MAX_PENDING) return false
    this.#pending.set(digest, merge(old, toUse(usedAtMs, facts)))
    if (this.#pending.size === FLUSH_AT) void this.flush()
    return true
  }

  async #write(): Promise<void> {
    const usesByBucket = new Map<string, [Digest, Use][]>()
    for (const entry of this.#pending) {
      const bucket = bucketOf(entry[0])
      const uses = usesByBucket.get(bucket)
      if (uses === undefined) usesByBucket.set(bucket, [entry])
      else uses.push(entry)
    }
    // After many uses each of the tables is written: one after the other, a store far away takes longer than a stop may.
    await inLanes(usesByBucket, async ([bucket, uses]) => {
      const table = await this.#readTable(bucket)
      for (const [digest, use] of uses) table.set(encodedOf(digest), merge(table.get(encodedOf(digest)), use))
      await this.#driver.writeLazily(useKey(bucket), formatTable(table))
      // What was noted of it meanwhile is written the next time.
      for (const [digest, use] of uses) if (this.#pending.get(digest) === use) this.#pending.delete(digest)
    })
  }

  async #readTable(bucket: string): Promise<Table> {
    return parseTable((await this.#driver.read(useKey(bucket)))?.toString('latin1') ?? '')
  }

  /** One writer of tables at a time. */
  async #alone(work: () => Promise<void>): Promise<void> {
    const writing = this.#writing.then(work)
    this.#writing = writing.catch(() => {})
    await writing
  }
}
