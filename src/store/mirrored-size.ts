/**
 * How many bytes of mirrored content the store holds, by upstream: a sum for each bucket, corrected whenever the blobs of
 * one are counted, and kept over a restart, so that nothing needs to be counted at the start. What a process that was
 * killed left behind is believed until it has been counted anew.
 */
import type { Logger } from '../observe/log.ts'
import type { Digest } from '../protocol/digest.ts'
import type { StorageDriver } from './driver.ts'
import { BUCKETS, bucketOf, MIRRORED_SIZE_KEY } from './paths.ts'

/** How often a change is written, in milliseconds. */
const WRITE_EVERY_MS = 60_000
/** Stands for content of which nobody noted where it came from. */
const UNKNOWN = '-'
/** First line of what was written in the end: nothing has changed since. */
const FINAL = 'final'

const LINE = /^([0-9a-f]{2}) (\d{1,15}) (\S{1,300})$/

/** Bytes by upstream; `undefined`: it is not known which. */
export type BytesByUpstream = ReadonlyMap<string | undefined, number>

type Bucket = Map<string, number>

/** The size of what is mirrored. */
export class MirroredSize {
  readonly #driver: StorageDriver
  readonly #log: Logger
  readonly #buckets = new Map<string, Bucket>()
  /** Sum of all buckets, by upstream: every fetch asks for it. */
  readonly #totals: Bucket = new Map()
  readonly #changes = new Map<string, number>()
  /** What is being stored just now, counted as if it were there. */
  readonly #arriving = new Map<Digest, { readonly upstream: string; readonly bytes: number }>()
  /** Buckets whose sums are not certain. */
  readonly #uncounted = new Set(BUCKETS)
  #isKnown = false
  #timer: NodeJS.Timeout | undefined
  #isWritten = true

  constructor(driver: StorageDriver, log: Logger) {
    this.#driver = driver
    this.#log = log
  }

  /** Takes over what an earlier process counted, and begins to write what changes. */
  async start(): Promise<void> {
    try {
      const text = (await this.#driver.read(MIRRORED_SIZE_KEY))?.toString('latin1')
      if (text !== undefined) this.#parse(text)
    } catch (error) {
      this.#log.debug({ err: error }, 'size of mirrored content not known: it is counted')
    }
    // It is the last word no longer, whatever becomes of this process.
    this.#isWritten = !this.isCertain
    await this.#write(false)
    this.#timer = setInterval(() => void this.#write(false), WRITE_EVERY_MS).unref()
  }

  /** Ends that, and writes what is known. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#isWritten = false
    await this.#write(this.isCertain)
  }

  /** Whether every bucket has been counted, now or by an earlier process. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** Whether nothing has come or gone since then that was not noted. */
  get isCertain(): boolean {
    return this.#uncounted.size === 0
  }

  /** Something has gone of which nobody knows whether it was mirrored: all is to be counted again. */
  doubt(): void {
    for (const bucket of BUCKETS) this.#uncounted.add(bucket)
  }

  /** Bytes in all, or of one upstream. */
  total(upstream?: string): number {
    let bytes = 0
    for (const each of this.#arriving.values())
      if (upstream === undefined || each.upstream === upstream) bytes += each.bytes
    for (const [name, sum] of this.#totals) if (upstream === undefined || name === upstream) bytes += sum
    return bytes
  }

  /** Counts content while `store` stores it, which may take its time to be durable, and when it is stored. */
  async during(digest: Digest, upstream: string, bytes: number, store: () => Promise<void>): Promise<void> {
    if (this.#arriving.has(digest)) return store()
    this.#arriving.set(digest, { upstream, bytes })
    try {
      await store()
      this.add(digest, upstream, bytes)
    } finally {
      this.#arriving.delete(digest)
    }
  }

  /** Whether content is being stored just now: whoever counts a bucket leaves it out. */
  isArriving(digest: Digest): boolean {
    return this.#arriving.has(digest)
  }

  /** Content has come, or has gone where `bytes` is negative. */
  add(digest: Digest, upstream: string | undefined, bytes: number): void {
    const name = bucketOf(digest)
    this.#add(name, upstream ?? UNKNOWN, bytes)
    this.#noteChange(name)
  }

  /** How often a bucket has changed: whoever counts it sees whether he may believe what he found. */
  changesOf(bucket: string): number {
    return this.#changes.get(bucket) ?? 0
  }

  /** A bucket was counted. */
  setBucket(bucket: string, bytesByUpstream: BytesByUpstream): void {
    for (const [upstream, bytes] of this.#buckets.get(bucket) ?? []) this.#add(bucket, upstream, -bytes)
    this.#buckets.delete(bucket)
    for (const [upstream, bytes] of bytesByUpstream) this.#add(bucket, upstream ?? UNKNOWN, bytes)
    this.#uncounted.delete(bucket)
    this.#isKnown ||= this.isCertain
    this.#noteChange(bucket)
  }

  #add(name: string, upstream: string, bytes: number): void {
    const bucket = this.#buckets.get(name) ?? new Map<string, number>()
    const before = bucket.get(upstream) ?? 0
    const after = Math.max(0, before + bytes)
    bucket.set(upstream, after)
    this.#buckets.set(name, bucket)
    this.#totals.set(upstream, (this.#totals.get(upstream) ?? 0) + after - before)
  }

  #noteChange(bucket: string): void {
    this.#changes.set(bucket, this.changesOf(bucket) + 1)
    this.#isWritten = false
  }

  #parse(text: string): void {
    this.#isKnown = true
    if (text.startsWith(`${FINAL}\n`)) this.#uncounted.clear()
    for (const line of text.split('\n')) {
      const [, name, bytes, upstream] = LINE.exec(line) ?? []
      if (name === undefined || upstream === undefined) continue
      this.#add(name, upstream, Number(bytes))
    }
  }

  /** What was never counted is not written: the next process would believe it. */
  async #write(isFinal: boolean): Promise<void> {
    if (this.#isWritten || !this.#isKnown) return
    this.#isWritten = true
    let text = isFinal ? `${FINAL}\n` : ''
    for (const [name, bucket] of this.#buckets)
      for (const [upstream, bytes] of bucket) text += `${name} ${bytes} ${upstream}\n`
    try {
      await this.#driver.writeLazily(MIRRORED_SIZE_KEY, text)
    } catch (error) {
      this.#isWritten = false
      this.#log.debug({ err: error }, 'size of mirrored content not written: it is counted again')
    }
  }
}
