/**
 * How often repositories and tags are pulled, and when last: a small text a repository, written lazily. A pull of a
 * repository is a `GET` of an image's manifest (a client that pulls one platform of an index asks for two manifests, and for
 * one image); a pull of a tag is a `GET` by it, or by the digest that somebody was told just before that it stands for,
 * which is how containerd asks. A `HEAD` is no pull.
 *
 *     - <pulls> <minute since 1970, base 36>
 *     <tag> <pulls> <minute>
 */
import { inLanes } from '../lanes.ts'
import { Memory } from '../memory.ts'
import type { Logger } from '../observe/log.ts'
import type { Digest } from '../protocol/digest.ts'
import { isTag, type Reference, type RepositoryName, type Tag } from '../protocol/name.ts'
import type { StorageDriver } from './driver.ts'
import { pullsKey } from './paths.ts'

/** How often what was counted is written, in milliseconds. */
const FLUSH_EVERY_MS = 5 * 60_000
/** Repositories that wait to be written at which that is done at once; at twice as many others are not counted. */
const FLUSH_AT = 2_000
/** Tags of a repository that are kept, those pulled last. */
const MAX_TAGS = 10_000
/** Digests of which it is remembered which tag stood for them. */
const MAX_REMEMBERED = 20_000
const MINUTE_MS = 60_000

const LINE = /^(\S{1,128}) (\d{1,15}) ([0-9a-z]{1,10})$/
/** Stands for the repository itself: no tag begins so. */
const ITSELF = '-'

/** How often, and when last (milliseconds since the epoch, to a minute where it was read). */
export interface Pulls {
  readonly pulls: number
  readonly usedAtMs: number
}

/** Of one repository. */
export interface RepositoryPulls extends Pulls {
  readonly tags: ReadonlyMap<Tag, Pulls>
}

type Counts = Map<string, Pulls>

/** A manifest that was given. */
export interface PulledReference {
  readonly reference: Reference
  readonly digest: Digest
  readonly isIndex: boolean
  /** Only its headers were given. */
  readonly isHead: boolean
}

const NONE: Pulls = { pulls: 0, usedAtMs: 0 }

const parse = (text: string): Counts =>
  new Map(
    text.split('\n').flatMap((line): [string, Pulls][] => {
      const [, key, pulls, minute] = LINE.exec(line) ?? []
      if (key === undefined || minute === undefined) return []
      return [[key, { pulls: Number(pulls), usedAtMs: Number.parseInt(minute, 36) * MINUTE_MS }]]
    }),
  )

const format = (counts: Counts): string =>
  [...counts]
    .sort(([, a], [, b]) => b.usedAtMs - a.usedAtMs)
    .slice(0, MAX_TAGS)
    .map(([key, { pulls, usedAtMs }]) => `${key} ${pulls} ${Math.floor(usedAtMs / MINUTE_MS).toString(36)}\n`)
    .join('')

const add = (counts: Counts, key: string, { pulls, usedAtMs }: Pulls): void => {
  const old = counts.get(key) ?? NONE
  counts.set(key, { pulls: old.pulls + pulls, usedAtMs: Math.max(old.usedAtMs, usedAtMs) })
}

/** Counts pulls. */
export class PullStore {
  readonly #driver: StorageDriver
  readonly #log: Logger
  readonly #now: () => number
  readonly #pending = new Map<RepositoryName, Counts>()
  readonly #tagByDigest = new Memory<string, Tag>(MAX_REMEMBERED)
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
    await this.flush()
  }

  /** A client was given a manifest. */
  note(name: RepositoryName, { reference, digest, isIndex, isHead }: PulledReference): void {
    const key = `${name}@${digest}`
    if (reference.kind === 'tag') this.#tagByDigest.set(key, reference.tag)
    if (isHead) return
    const tag = reference.kind === 'tag' ? reference.tag : this.#tagByDigest.get(key)
    const counts = this.#pending.get(name) ?? new Map<string, Pulls>()
    if (!this.#pending.has(name)) {
      if (this.#pending.size >= 2 * FLUSH_AT) return
      this.#pending.set(name, counts)
      if (this.#pending.size === FLUSH_AT) void this.flush()
    }
    const usedAtMs = this.#now()
    add(counts, ITSELF, { pulls: isIndex ? 0 : 1, usedAtMs })
    if (tag !== undefined) add(counts, tag, { pulls: 1, usedAtMs })
  }

  /** What is known of a repository. @throws StorageError */
  async read(name: RepositoryName): Promise<RepositoryPulls> {
    const counts = await this.#read(name)
    for (const [key, pulls] of this.#pending.get(name) ?? []) add(counts, key, pulls)
    const tags = new Map<Tag, Pulls>()
    for (const [key, pulls] of counts) if (isTag(key)) tags.set(key, pulls)
    return { ...(counts.get(ITSELF) ?? NONE), tags }
  }

  /** Writes what was counted. Never rejects: what cannot be written is lost. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async #write(): Promise<void> {
    // Of what is pulled again meanwhile the next time has the count: two writers of one file would lose each other's.
    await inLanes([...this.#pending], async ([name, pending]) => {
      try {
        const counts = await this.#read(name)
        this.#pending.delete(name)
        for (const [key, pulls] of pending) add(counts, key, pulls)
        await this.#driver.writeLazily(pullsKey(name), format(counts))
      } catch (error) {
        this.#pending.delete(name)
        this.#log.debug({ err: error, repository: name }, 'pulls not written')
      }
    })
  }

  async #read(name: RepositoryName): Promise<Counts> {
    return parse((await this.#driver.read(pullsKey(name)))?.toString('latin1') ?? '')
  }
}
