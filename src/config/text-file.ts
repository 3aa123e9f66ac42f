/** Files that the configuration names, read whole at the start. */
import { readFileSync } from 'node:fs'
import { ConfigError, formatPath, type Path } from './error.ts'

/** What is said instead of the system's code. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder; a bind mount of a file that is not there makes one',
}

/** The content of a text file. */
export type ReadText = (file: string) => string

/**
 * The content of a file.
 * @throws Error whose message tells in a few words why it cannot be read, without the path
 */
export const readText: ReadText = (file) => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new Error(`cannot be read: ${PROBLEMS[code] ?? code}`, { cause })
  }
}

/**
 * The secret in a file: its content without the newline at its end.
 * @param source the file or the variable that names it
 * @param path the key that it is for
 * @throws ConfigError where it cannot be read
 */
export const readSecret = (read: ReadText, file: string, source: string, path: Path): string => {
  try {
    return read(file).replace(/\r?\n$/, '')
  } catch (cause) {
    throw new ConfigError(source, formatPath(path), `${file} ${(cause as Error).message}`)
  }
}
