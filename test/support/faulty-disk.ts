/**
 * Real files on a disk that goes wrong as it is told: full after so many bytes, or failing at one kind of call. For
 * whatever takes a {@link FileOpener}.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { FileOpener, OpenFile } from '../../src/store/growing-file.ts'

/** Calls that can fail. */
type Call = 'open' | 'writev' | 'read' | 'truncate' | 'datasync' | 'close'

/** What the operating system says. */
export type Errno = 'ENOSPC' | 'EROFS' | 'EIO'

const errno = (code: Errno): Error => Object.assign(new Error(`${code}: told to`), { code })

/** A disk for tests. */
export class FaultyDisk {
  /** Bytes that can still be written. */
  freeBytes = Number.POSITIVE_INFINITY
  /** Most bytes that one call writes. */
  mostBytesAtOnce = Number.POSITIVE_INFINITY
  readonly #failing = new Map<Call, { readonly code: Errno; after: number }>()
  /** Awaited before a file is closed. */
  beforeClose: () => Promise<void> = async () => {}
  /** Calls so far, in order. */
  readonly calls: Call[] = []
  /** Files open now, and at most at once. */
  openFiles = 0
  mostOpenFiles = 0

  /** Lets a kind of call fail from now on, but for the next `after` of them. */
  fail(call: Call, code: Errno, after = 0): void {
    this.#failing.set(call, { code, after })
  }

  /** Lets every call succeed again. */
  mend(): void {
    this.#failing.clear()
    this.freeBytes = Number.POSITIVE_INFINITY
  }

  /** Opens a file on this disk. */
  readonly open: FileOpener = async (path, flags) => {
    this.#note('open')
    const file = await open(path, flags)
    this.openFiles += 1
    this.mostOpenFiles = Math.max(this.mostOpenFiles, this.openFiles)
    return this.#wrap(file)
  }

  #note(call: Call): void {
    this.calls.push(call)
    const failing = this.#failing.get(call)
    if (failing === undefined) return
    if (failing.after === 0) throw errno(failing.code)
    failing.after -= 1
  }

  #wrap(file: FileHandle): OpenFile {
    const calls = {
      writev: async (buffers: readonly Buffer[], position?: number) => {
        this.#note('writev')
        const bytes = Buffer.concat(buffers)
        if (this.freeBytes === 0) throw errno('ENOSPC')
        const fitting = bytes.subarray(0, Math.min(bytes.length, this.freeBytes, this.mostBytesAtOnce))
        const { bytesWritten } = await file.write(fitting, 0, fitting.length, position ?? null)
        this.freeBytes -= bytesWritten
        return { bytesWritten, buffers }
      },
      read: async (buffer: Buffer, offset: number, length: number, position: number) => {
        this.#note('read')
        return file.read(buffer, offset, length, position)
      },
      truncate: async (length?: number) => {
        this.#note('truncate')
        await file.truncate(length)
      },
      datasync: async () => {
        this.#note('datasync')
        await file.datasync()
      },
      stat: () => file.stat(),
      close: async () => {
        await this.beforeClose()
        await file.close()
        this.openFiles -= 1
        this.#note('close')
      },
    }
    return calls as unknown as OpenFile
  }
}
