/**
 * Who writes to which upload just now, and the running digests of uploads between two requests. One request at a time
 * writes to an upload; another one is refused, unless the first has not heard of its client for a while: then that
 * connection is dead, and its client is the one who comes back.
 */
import { Memory } from '../memory.ts'
import type { DigestAlgorithm } from '../protocol/digest.ts'
import type { GrowingFile } from '../store/growing-file.ts'
import type { UploadStore } from '../store/uploads.ts'
import { RunningDigests } from './running-digests.ts'

/** Uploads whose running digests are kept; of others the file is read again at the end. */
const MAX_REMEMBERED = 10_000
/** A writer that has heard nothing for so long gives way to another, in milliseconds. */
const QUIET_MS = 10_000

/** An upload in the hands of one request. */
export class HeldUpload {
  readonly file: GrowingFile
  /** Of exactly the bytes in the file. */
  digests: RunningDigests
  readonly #writer: Writer

  constructor(file: GrowingFile, digests: RunningDigests, writer: Writer) {
    this.file = file
    this.digests = digests
    this.#writer = writer
  }

  /** Aborted when another request takes over. */
  get signal(): AbortSignal {
    return this.#writer.abort.signal
  }

  /** Bytes have come from the client. */
  hear(): void {
    this.#writer.hear()
  }

  /** No more is read from the client: whoever wants the upload waits for the end. */
  endReading(): void {
    this.#writer.isReading = false
  }
}

class Writer {
  readonly abort = new AbortController()
  readonly ended: Promise<void>
  isReading = true
  file: GrowingFile | undefined
  readonly #now: () => number
  #heardAtMs: number
  #end = (): void => {}

  constructor(now: () => number) {
    this.#now = now
    this.#heardAtMs = now()
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  get isQuiet(): boolean {
    return this.#now() - this.#heardAtMs >= QUIET_MS
  }

  hear(): void {
    this.#heardAtMs = this.#now()
  }

  end(): void {
    this.#end()
  }
}

interface Remembered {
  readonly digests: RunningDigests
  readonly sizeBytes: number
  /** Another process's bytes show in the time of the file. */
  readonly modifiedAtMs: number | undefined
}

/** The uploads that this process knows of. */
export class UploadSessions {
  readonly #store: UploadStore
  readonly #now: () => number
  readonly #writers = new Map<string, Writer>()
  readonly #remembered = new Memory<string, Remembered>(MAX_REMEMBERED)

  /** @param now milliseconds of a clock that only goes forward */
  constructor(store: UploadStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /** An upload of no bytes has begun, whose digest will be of `algorithm`. */
  begin(id: string, algorithm: DigestAlgorithm): void {
    const digests = RunningDigests.begin(algorithm)
    this.#remembered.set(id, { digests, sizeBytes: 0, modifiedAtMs: undefined })
  }

  /** Whether a request of this process holds an upload. */
  isHeld(id: string): boolean {
    return this.#writers.has(id)
  }

  /** Bytes stored of an upload that a request of this process holds. */
  sizeOf(id: string): number | undefined {
    return this.#writers.get(id)?.file?.written
  }

  /**
   * Runs `work` alone with an upload.
   * @returns its outcome; `'busy'` where another request is writing, `undefined` where there is no such upload
   * @throws StorageError
   */
  async hold<T extends object>(
    id: string,
    work: (upload: HeldUpload) => Promise<T>,
  ): Promise<T | 'busy' | undefined> {
    await this.#makeWay(id)
    if (this.#writers.has(id)) return 'busy'
    const writer = new Writer(this.#now)
    this.#writers.set(id, writer)
    try {
      return await this.#take(id, writer, work)
    } finally {
      this.#writers.delete(id)
      writer.end()
    }
  }

  /** Resolves when no request of this process holds an upload any more. */
  async settle(): Promise<void> {
    await Promise.all([...this.#writers.values()].map(({ ended }) => ended))
  }

  /** Ends whatever is under way with an upload, and removes it. @throws StorageError */
  async drop(id: string): Promise<void> {
    const writer = this.#writers.get(id)
    writer?.abort.abort()
    await writer?.ended
    this.#remembered.delete(id)
    await this.#store.drop(id)
  }

  /** Waits for a request that is about to end, and ends one whose client has gone silent. */
  async #makeWay(id: string): Promise<void> {
    const writer = this.#writers.get(id)
    if (writer === undefined || (writer.isReading && !writer.isQuiet)) return
    writer.abort.abort()
    await writer.ended
  }

  async #take<T extends object>(
    id: string,
    writer: Writer,
    work: (upload: HeldUpload) => Promise<T>,
  ): Promise<T | 'busy' | undefined> {
    const file = await this.#store.take(id)
    if (file === undefined) return undefined
    if (file === 'taken') return 'busy'
    writer.file = file
    try {
      const upload = new HeldUpload(file, await this.#recall(id, file), writer)
      try {
        return await work(upload)
      } finally {
        await this.#remember(id, upload)
      }
    } finally {
      await this.#store.giveBack(id, file)
    }
  }

  async #recall(id: string, file: GrowingFile): Promise<RunningDigests> {
    const remembered = this.#remembered.get(id)
    if (file.written === 0)
      return remembered?.sizeBytes === 0 ? remembered.digests : RunningDigests.begin('sha256')
    if (remembered?.sizeBytes !== file.written) return RunningDigests.none()
    return remembered.modifiedAtMs === (await file.modifiedAtMs())
      ? remembered.digests
      : RunningDigests.none()
  }

  async #remember(id: string, { file, digests }: HeldUpload): Promise<void> {
    const modifiedAtMs = await file.modifiedAtMs()
    this.#remembered.set(id, { digests, sizeBytes: file.written, modifiedAtMs })
  }
}
