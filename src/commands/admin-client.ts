/** The admin API of a running server, as the commands call it: JSON in, JSON out, and every failure a line for people. */
import { Agent, request } from 'undici'
import { type AdminOptions, type AdminServer, findServer } from './admin-server.ts'
import { CommandError, UsageError } from './command.ts'
import { toPlain } from './table.ts'

/** How long an answer may take, in milliseconds: an upstream may have to be asked, or a store to be walked. */
const ANSWER_MS = 120_000
const CONNECT_MS = 5000
/** Longest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type Query = Readonly<Record<string, string | number | undefined>>

interface RawAnswer {
  readonly status: number
  readonly text: string
}

/** The server did not do it, and says why. */
export class AdminError extends CommandError {
  readonly status: number
  /** A code of the registry: `DENIED`, `MANIFEST_UNKNOWN`. */
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** No server could be reached where one was to be. */
export class NoServerError extends CommandError {}

/** Calls a server. {@link close} it in the end. */
export class AdminClient {
  readonly #server: AdminServer
  readonly #agent = new Agent({ connect: { timeout: CONNECT_MS }, connections: 4 })

  constructor(server: AdminServer) {
    this.#server = server
  }

  /** Origin of the server. */
  get url(): string {
    return this.#server.url
  }

  /**
   * Asks.
   * @param path below `/admin/v1`
   * @throws UsageError where the server does not understand what was asked, AdminError, NoServerError
   */
  get<T>(path: string, query: Query = {}): Promise<T> {
    const pairs = Object.entries(query).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, String(value)] as [string, string]],
    )
    const search = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
    return this.#call('GET', `${path}${search}`)
  }

  /** Has something done; throws as {@link get}. */
  send<T>(method: Exclude<Method, 'GET'>, path: string, body: object = {}): Promise<T> {
    return this.#call(method, path, JSON.stringify(body))
  }

  /** Text of a path that is open to everybody, such as `/metrics`. */
  async text(path: string): Promise<string> {
    const { status, text } = await this.#ask('GET', path)
    if (status !== 200) throw new AdminError(status, 'UNKNOWN', `${this.url}${path} answers ${status}`)
    return text
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #call<T>(method: Method, path: string, body?: string): Promise<T> {
    const { status, text } = await this.#ask(method, `/admin/v1${path}`, body)
    if (status === 204) return undefined as T
    const answer = parseJson(text)
    if (status >= 400 || answer === undefined) throw this.#errorOf(status, answer)
    return answer as T
  }

  async #ask(method: Method, path: string, body?: string): Promise<RawAnswer> {
    const { url, authorization } = this.#server
    try {
      const answer = await request(`${url}${path}`, {
        method,
        headers: {
          accept: 'application/json',
          ...(authorization !== undefined && { authorization }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body ?? null,
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(ANSWER_MS),
      })
      return { status: answer.statusCode, text: await readText(answer.body) }
    } catch (error) {
      if (error instanceof CommandError) throw error
      throw new NoServerError(`no server answers at ${url} (${whyOf(error)}): is it running? ${HINT}`)
    }
  }

  #errorOf(status: number, answer: unknown): CommandError {
    const { url, authorization, source } = this.#server
    const [error] = (answer as { errors?: { code?: string; message?: string }[] } | undefined)?.errors ?? []
    if (status === 401)
      return authorization === undefined
        ? new AdminError(status, 'UNAUTHORIZED', `${url} wants the admin token: ${source}`)
        : new AdminError(status, 'UNAUTHORIZED', `${url} does not accept ${describe(source)}`)
    if (typeof error?.code !== 'string' || error.message?.startsWith(NO_ROUTE) === true)
      return new AdminError(
        status,
        'UNKNOWN',
        `what answers at ${url} has no admin API (${status}): another program, or an entrepot older than this command`,
      )
    const message = toPlain(error.message || error.code)
    return status === 400 ? new UsageError(message) : new AdminError(status, error.code, message)
  }
}

/** What an entrepot without the call says. */
const NO_ROUTE = 'no such route'

const HINT = 'Say --config with its configuration file, or --server with its debug listener'

const describe = (source: string): string => (source.startsWith('the ') ? source : `the token of ${source}`)

const whyOf = (error: unknown): string => {
  const { code, name, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  return name === 'TimeoutError' ? `nothing within ${ANSWER_MS / 1000} s` : ((message || code) ?? 'no reason')
}

const readText = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_ANSWER_BYTES)
      throw new CommandError(`an answer of more than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const parseJson = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Runs something with the server that the options mean, and closes the connection. */
export const withClient = async <T>(
  options: AdminOptions,
  use: (client: AdminClient) => Promise<T>,
): Promise<T> => {
  const client = new AdminClient(await findServer(options, process.env))
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}
