/**
 * What a few files say together, read again when one of them changes. Polls `stat` rather than trusting file events:
 * bind mounts, network file systems and Kubernetes' swapped symbolic links send none that can be relied on. A change
 * that does not parse keeps what was there before, and is told once.
 */
import { readFile, stat } from 'node:fs/promises'

/** How often a file is looked at, at most, in milliseconds. */
const POLL_INTERVAL_MS = 1000

/** Largest file that is read, in bytes: thousands of accounts or certificates, and no more by mistake. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** What to read and how. */
export interface ReloadOptions<T> {
  /** The files, in the order in which `parse` gets their contents. */
  readonly paths: readonly string[]
  /** Makes sense of the contents; throws, with a message for people, where they make none. */
  readonly parse: (contents: readonly string[]) => T | Promise<T>
  /** Told once of every change that is not taken up. The old value stays in use. */
  readonly onProblem: (error: Error) => void
  /** Told of every change that was taken up, the first reading excepted. */
  readonly onChange?: (value: T) => void
  /** Milliseconds; a test passes its own clock. */
  readonly now?: () => number
}

/** Reads one file whole, as text. */
const read = async (path: string): Promise<string> => {
  const { size } = await stat(path)
  if (size > MAX_FILE_BYTES) throw new Error(`${path} has ${size} bytes, more than ${MAX_FILE_BYTES}`)
  return readFile(path, 'utf8')
}

/** Which state of a file was read: changes with its content, its replacement, and its absence. */
const stamp = async (path: string): Promise<string> => {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return [ino, size, mtimeMs, ctimeMs].join(':')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}

/** A value made from files, never older than a second. */
export class Reloaded<T> {
  readonly #options: ReloadOptions<T>
  readonly #now: () => number
  #value: T
  #stamp: string
  #checkedAtMs: number
  #checking: Promise<void> | undefined

  private constructor(options: ReloadOptions<T>, value: T, firstStamp: string) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#value = value
    this.#stamp = firstStamp
    this.#checkedAtMs = this.#now()
  }

  /** Reads the files for the first time; what is wrong with them is thrown. */
  static async open<T>(options: ReloadOptions<T>): Promise<Reloaded<T>> {
    const first = await stamps(options.paths)
    return new Reloaded(options, await parseFiles(options), first)
  }

  /** The value of the files as they are now, or of the last time when they made sense. */
  async current(): Promise<T> {
    if (this.#now() - this.#checkedAtMs >= POLL_INTERVAL_MS) {
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined
      })
      await this.#checking
    }
    return this.#value
  }

  async #check(): Promise<void> {
    // Stamped before it is read: a write in between is seen the next time.
    const seen = await stamps(this.#options.paths)
    this.#checkedAtMs = this.#now()
    if (seen === this.#stamp) return
    this.#stamp = seen
    try {
      this.#value = await parseFiles(this.#options)
    } catch (error) {
      this.#options.onProblem(error as Error)
      return
    }
    this.#options.onChange?.(this.#value)
  }
}

const stamps = async (paths: readonly string[]): Promise<string> =>
  (await Promise.all(paths.map(stamp))).join(' ')

const parseFiles = async <T>({ paths, parse }: ReloadOptions<T>): Promise<T> =>
  parse(await Promise.all(paths.map(read)))
