/** Progress of a job: a bar on a terminal, redrawn in place; elsewhere nothing but what is told to stay. */
import { toPlain } from './table.ts'
import { formatBytes, formatSpan } from './units.ts'

/** How far something is. */
export interface Progress {
  /** Things done, and how many there are, as far as that is known. */
  readonly done: number
  readonly total?: number | undefined
  readonly bytes: number
  readonly totalBytes?: number | undefined
}

/** Characters between the brackets. */
const BAR_WIDTH = 24
const DEFAULT_COLUMNS = 80

/** The share that is done, by bytes where their sum is known, else by things; `undefined` where neither is. */
export const shareOf = ({ done, total, bytes, totalBytes }: Progress): number | undefined => {
  const [part, whole] = totalBytes ? [bytes, totalBytes] : [done, total]
  return whole === undefined || whole === 0 ? undefined : Math.min(1, Math.max(0, part / whole))
}

/**
 * A line that shows how far something is: `[======>     ]  52 %  1.20 GiB of 2.30 GiB  3 of 7  25.0 MiB/s  45 s left`.
 * @param elapsedMs since its start: speed and time left come from it
 */
export const formatProgress = (progress: Progress, elapsedMs: number, columns = DEFAULT_COLUMNS): string => {
  const share = shareOf(progress)
  const { done, total, bytes, totalBytes } = progress
  const parts = [
    formatBar(share),
    share === undefined ? '' : `${Math.floor(share * 100)} %`.padStart(5),
    bytes === 0 && !totalBytes
      ? ''
      : `${formatBytes(bytes)}${totalBytes ? ` of ${formatBytes(totalBytes)}` : ''}`,
    total === undefined ? `${done} done` : `${done} of ${total}`,
    bytes > 0 && elapsedMs > 0 ? `${formatBytes((bytes / elapsedMs) * 1000)}/s` : '',
    share === undefined || share === 0 || share === 1 || elapsedMs === 0
      ? ''
      : `${formatSpan((elapsedMs / share) * (1 - share))} left`,
  ]
  return parts
    .filter((part) => part !== '')
    .join('  ')
    .slice(0, Math.max(0, columns - 1))
}

const formatBar = (share: number | undefined): string => {
  if (share === undefined) return ''
  const filled = Math.floor(share * BAR_WIDTH)
  const head = filled < BAR_WIDTH ? '>' : ''
  return `[${'='.repeat(filled)}${head}${' '.repeat(BAR_WIDTH - filled - head.length)}]`
}

/** What a bar is drawn on: `process.stderr`. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** A line at the bottom of a terminal. On anything else it is invisible, and only {@link say} is heard. */
export class ProgressBar {
  readonly #screen: Screen
  readonly #startedMs: number
  readonly #now: () => number
  #isDrawn = false

  constructor(screen: Screen, now: () => number) {
    this.#screen = screen
    this.#now = now
    this.#startedMs = now()
  }

  /** Draws it anew. */
  show(progress: Progress): void {
    if (this.#screen.isTTY !== true) return
    // A terminal that does not know its width says 0.
    const line = formatProgress(progress, this.#now() - this.#startedMs, this.#screen.columns || undefined)
    this.#screen.write(`\r\u001b[K${line}`)
    this.#isDrawn = true
  }

  /** A line that stays, above the bar. */
  say(line: string): void {
    this.clear()
    this.#screen.write(`${toPlain(line)}\n`)
  }

  /** Takes it away. */
  clear(): void {
    if (this.#isDrawn) this.#screen.write('\r\u001b[K')
    this.#isDrawn = false
  }
}
