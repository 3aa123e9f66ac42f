/** A mistake in the configuration, told in one line: where, which key, what is wrong, what is allowed (design §5). */

/** A configuration that cannot be used. The message is one line for people and holds no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** The file, or the environment variable, that holds the mistake. */
  readonly file: string
  /** Dotted path of the key, `upstreams[0].host`; empty where the whole is meant. */
  readonly key: string
  /** What is wrong. */
  readonly problem: string
  /** What would be right. */
  readonly allowed: string | undefined

  constructor(file: string, key: string, problem: string, allowed?: string) {
    super(
      [file, key, problem].filter((part) => part !== '').join(': ') +
        (allowed ? `; allowed: ${allowed}` : ''),
    )
    this.file = file
    this.key = key
    this.problem = problem
    this.allowed = allowed
  }
}

/** The way to a key: names of keys, and indexes in lists. */
export type Path = readonly PropertyKey[]

/** A path of keys and indexes as people write it: `notifications.endpoints[0].url`. */
export const formatPath = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
