/** What a job came to, for people, whatever the kind of job: a line for each figure. Pure. */
import { toPlain } from './table.ts'
import { formatBytes } from './units.ts'

/** `rottenBlobs` → `rotten blobs`. */
const toWords = (key: string): string => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** A line for each figure of a result; lists are counted, anything else is left to `--json`. */
export const showFigures = (result: unknown): string => {
  if (typeof result !== 'object' || result === null) return ''
  const lines = Object.entries(result).flatMap(([key, value]): (readonly [string, string])[] => {
    if (Array.isArray(value)) return [[toWords(key), String(value.length)]]
    if (typeof value !== 'number' || /Ms$|At$/.test(key)) return []
    return /bytes$/i.test(key)
      ? [[toWords(key.replace(/Bytes$/, '')), formatBytes(value)]]
      : [[toWords(key), String(value)]]
  })
  const width = Math.max(0, ...lines.map(([name]) => name.length))
  return lines.map(([name, value]) => `  ${toPlain(name).padEnd(width)}  ${value}\n`).join('')
}
