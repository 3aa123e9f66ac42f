/**
 * What becomes of stored bytes that are not what their digest says. Nothing is taken away before it has been read twice and
 * found wrong twice, nor while another process works on the volume:
 *
 * - what can be had again goes, and is fetched again at once;
 * - what may be somebody's only copy is put aside (`keep/quarantine`), told as an error, and fetched from an upstream that
 *   happens to have it too. A push of it heals it as well, since its client is told that the blob is not there.
 *
 * Where one blob after the other cannot be read the disk is at fault, and nothing is moved on it.
 */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Digest } from '../protocol/digest.ts'
import type { Mirrored } from '../repository.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { StoredStat } from '../store/driver.ts'
import { type Examined, type ExamineOptions, examineBlob } from '../store/examine.ts'
import type { Leases } from '../store/leases.ts'
import type { MirroredSize } from '../store/mirrored-size.ts'
import type { Owner } from '../store/owner.ts'
import { bucketOf } from '../store/paths.ts'
import type { UseStore } from '../store/uses.ts'
import { findHolders, type Holder, type HolderParts, type Holders, toMirrored } from './holders.ts'

/** Bytes that were wrong are read again after this long, in milliseconds: a cable may have been loose. */
const READ_AGAIN_AFTER_MS = 1_000
/** Blobs in a row that cannot be read, after which the disk is at fault and not they. */
const MAX_UNREADABLE_IN_A_ROW = 5
/** Upstreams' repositories that are asked for one blob. */
const MAX_SOURCES = 3

/** What it is done with. */
export interface RepairOptions extends HolderParts {
  readonly blobs: BlobStore
  readonly leases: Leases
  readonly owner: Pick<Owner, 'isAlone'>
  readonly uses: UseStore
  readonly mirroredSize: MirroredSize
  readonly metrics: Metrics
  readonly log: Logger
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Fetches a blob or manifest anew. @returns whether it is stored */
export type Refetch = (repository: Mirrored, digest: Digest, isManifest: boolean) => Promise<boolean>

/** Whose copy was rotten. */
export type RotKind = 'mirrored' | 'local'

/**
 * What was found and done. `rotten`: the bytes are gone from their place, and `replaced` resolves (never rejects) with whether
 * others are there instead. `stuck`: they are wrong, and had to be left where they are.
 */
export type Verdict =
  | { readonly kind: 'right'; readonly sizeBytes: number }
  | { readonly kind: 'gone' }
  | { readonly kind: 'stuck'; readonly problem: string }
  | {
      readonly kind: 'rotten'
      readonly of: RotKind
      readonly problem: string
      readonly replaced: Promise<boolean>
    }

type Bad = Extract<Examined, { seen: StoredStat }>

/** Examines and repairs. */
export class Repair {
  readonly #options: RepairOptions
  #refetch: Refetch = async () => false
  #unreadableInARow = 0

  constructor(options: RepairOptions) {
    this.#options = options
  }

  /** From now on what can be had again is fetched with this. */
  fetchWith(refetch: Refetch): void {
    this.#refetch = refetch
  }

  /**
   * Reads a blob, and repairs it where its bytes are wrong.
   * @throws StorageError for a failure that says nothing of these bytes, the signal's reason
   */
  async examine(digest: Digest, options: ExamineOptions = {}): Promise<Verdict> {
    const { driver, sleep } = this.#options
    const first = await examineBlob(driver, digest, options)
    if (!('seen' in first)) return this.#sound(first)
    await sleep(READ_AGAIN_AFTER_MS, options.signal ?? new AbortController().signal)
    const found = await examineBlob(driver, digest, options)
    if (!('seen' in found)) return this.#sound(found)
    this.#unreadableInARow = found.kind === 'unreadable' ? this.#unreadableInARow + 1 : 0
    return this.#repair(digest, found, options.signal)
  }

  #sound(found: Exclude<Examined, Bad>): Verdict {
    if (found.kind === 'right') this.#unreadableInARow = 0
    return found
  }

  async #repair(digest: Digest, bad: Bad, signal: AbortSignal | undefined): Promise<Verdict> {
    const { log } = this.#options
    const { problem } = bad
    if (this.#unreadableInARow > MAX_UNREADABLE_IN_A_ROW) {
      log.error({ digest, problem }, 'much of the store cannot be read: look at the disk; nothing is moved')
      return { kind: 'stuck', problem }
    }
    const holders = await findHolders(this.#options, digest, signal)
    const of = holders.local.length === 0 ? 'mirrored' : 'local'
    if (!(await this.#takeAway(digest, bad.seen, of))) {
      log.warn({ digest, problem }, 'stored bytes are wrong and in use, or another process is here: later')
      return { kind: 'stuck', problem }
    }
    this.#tell(digest, problem, of, holders)
    return { kind: 'rotten', of, problem, replaced: this.#replace(digest, of, holders) }
  }

  /** @returns whether the bytes are gone, and nothing has come in their place */
  async #takeAway(digest: Digest, seen: StoredStat, of: RotKind): Promise<boolean> {
    const { blobs, leases, owner, uses, mirroredSize } = this.#options
    if (!(await owner.isAlone())) return false
    const upstream = (await uses.read(bucketOf(digest))).get(digest)?.upstream
    const isGone = await leases.remove(digest, () =>
      blobs.discard(digest, seen, of === 'local' ? 'quarantine' : 'drop'),
    )
    if (isGone === true && of === 'mirrored') mirroredSize.add(digest, upstream, -seen.sizeBytes)
    return isGone === true
  }

  #tell(digest: Digest, problem: string, of: RotKind, { local, mirrored }: Holders): void {
    const { log, metrics } = this.#options
    metrics.rottenBlobs.inc({ kind: of })
    const repositories = (of === 'local' ? local : mirrored).map(({ name }) => name).slice(0, 10)
    const fields = { digest, problem, repositories }
    if (of === 'mirrored') log.warn(fields, 'stored bytes are not what they were: fetched again')
    else
      log.error(
        fields,
        'pushed content is not what it was: put aside under entrepot/quarantine; push the image again, or restore the file from a backup',
      )
  }

  /** Never rejects. */
  async #replace(digest: Digest, of: RotKind, { mirrored }: Holders): Promise<boolean> {
    const { log, metrics } = this.#options
    for (const holder of mirrored.slice(0, MAX_SOURCES)) {
      if (!(await this.#replaceFrom(digest, holder))) continue
      metrics.repairedBlobs.inc({ kind: of })
      log.info({ digest, from: holder.name }, 'replaced by what the upstream has')
      return true
    }
    return false
  }

  async #replaceFrom(digest: Digest, { name, isManifest }: Holder): Promise<boolean> {
    const repository = await toMirrored(this.#options, name)
    if (repository === undefined) return false
    try {
      const isStored = await this.#refetch(repository, digest, isManifest)
      return isStored && (await this.#options.blobs.stat(digest)) !== undefined
    } catch (error) {
      this.#options.log.debug({ err: error, digest }, 'not fetched again now: the next pull does')
      return false
    }
  }
}
