/**
 * Where the account at an upstream comes from: the configuration, or a credential helper (the protocol of
 * docker-credential-helpers, distribution's `proxy.exec`).
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** An account and its password or access token. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Gives the account of an upstream. */
export interface CredentialSource {
  /**
   * The credentials, or `undefined` where there are none.
   * @param isStale those given last were refused: look for newer ones
   * @throws Error with a message without secrets
   */
  get(isStale?: boolean): Promise<Credentials | undefined>
}

/** Credentials that never change. */
export const fixedCredentials = (credentials: Credentials): CredentialSource => ({
  get: async () => credentials,
})

/** `Authorization: Basic` for an account. */
export const basicAuthorization = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** What a helper is and for whom it speaks. */
export interface HelperOptions {
  /** Path or name of the program, run as `<command> get`. */
  readonly command: string
  /** What it reads on its standard input: the upstream's host. */
  readonly host: string
  /** How long its answer is good, in milliseconds: `undefined` for ever, 0 for one request. */
  readonly lifetimeMs: number | undefined
  readonly now: () => number
}

/** Longest run of a helper, in milliseconds. */
const HELPER_MS = 30_000
/** Longest answer of a helper, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024

const run = async (command: string, input: string): Promise<string> => {
  const running = promisify(execFile)(command, ['get'], { timeout: HELPER_MS, maxBuffer: MAX_ANSWER_BYTES })
  // A helper that ends without reading is no failure.
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(input)
  try {
    return (await running).stdout
  } catch (error) {
    // Its output may hold the secret: only how it ended is said.
    const { code, signal } = error as { code?: unknown; signal?: unknown }
    throw new Error(`it ended with ${signal ?? code}`)
  }
}

const parse = (output: string): Credentials => {
  const { Username: username, Secret: password } = JSON.parse(output) as Record<string, unknown>
  if (typeof username !== 'string' || typeof password !== 'string')
    throw new Error('its answer has no account')
  return { username, password }
}

/** Credentials from a program. Its answer is kept for `lifetimeMs`, or until the upstream refuses it. */
export const helperCredentials = (options: HelperOptions): CredentialSource => {
  const { command, host, lifetimeMs = Number.POSITIVE_INFINITY, now } = options
  let known: { readonly credentials: Promise<Credentials>; readonly untilMs: number } | undefined

  const ask = async (): Promise<Credentials> => {
    try {
      return parse(await run(command, host))
    } catch (cause) {
      known = undefined
      const why = cause instanceof SyntaxError ? 'its answer is no JSON' : (cause as Error).message
      throw new Error(`credential helper ${command} gave no account for ${host}: ${why}`)
    }
  }

  return {
    get: (isStale = false) => {
      if (known === undefined || isStale || known.untilMs <= now())
        known = { credentials: ask(), untilMs: now() + lifetimeMs }
      return known.credentials
    },
  }
}
