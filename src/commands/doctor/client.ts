/** A kind of client: how it is set up for a mirror, what is wrong with how it is, and how it pulls. */
import type { Finding } from './finding.ts'
import type { Mirror } from './mirror.ts'

/** Files of the client's host. */
export interface Files {
  /** Text of a file; `undefined`: there is none. */
  read(path: string): string | undefined
  /** Names in a folder; none where it is not there. */
  list(path: string): readonly string[]
}

/** Says what it can about how a client is set up. */
export interface Client {
  readonly name: string
  /** Other names that people call it by. */
  readonly aliases: readonly string[]
  /** Program whose being there says that the client is. */
  readonly program: string
  /** File or folder that says where its mirrors are. */
  readonly file: string
  /** What to write and run on the client's host, ready to be copied. */
  readonly steps: (mirror: Mirror) => string
  /** What is so, and what is wrong. @param file instead of the usual one */
  readonly check: (mirror: Mirror, files: Files, file: string) => readonly Finding[]
  /** What the client is told to pull a reference; `undefined`: it cannot by itself. */
  readonly pull: (reference: string) => readonly string[] | undefined
}

/** A reference with its registry: `alpine` → `docker.io/library/alpine`. */
export const qualify = (reference: string): string => {
  const [first = '', ...rest] = reference.split('/')
  if (rest.length === 0) return `docker.io/library/${reference}`
  return /[.:]/.test(first) || first === 'localhost' ? reference : `docker.io/${reference}`
}
