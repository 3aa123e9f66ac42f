/**
 * Which server the commands that need one speak to, and with what: the running server of a configuration, found in the
 * same file and variables as `serve` reads, or one that is named.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { parseListenAddress } from '../config/address.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { ADMIN_TOKEN_KEY } from '../store/paths.ts'
import { UsageError } from './command.ts'
import { readPassword } from './read-password.ts'

/** Options that all commands of a running server share. */
export interface AdminOptions {
  readonly config?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly user?: string
  readonly json?: true
}

/** Where a server is, and what lets us in. */
export interface AdminServer {
  /** Origin of its debug listener: `http://127.0.0.1:5001`. */
  readonly url: string
  /** Header `Authorization`; `undefined`: there is no token. */
  readonly authorization: string | undefined
  /** Where that is from, or why there is none: for messages. */
  readonly source: string
}

/** Variable with the admin token. */
const TOKEN_VARIABLE = 'ENTREPOT_ADMIN_TOKEN'
const DEFAULT_ROOT = '/var/lib/registry'

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Adds the options to a command. */
export const withServer = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'configuration file of the running server')
    .option('--server <url>', 'its debug listener; default: http.debug.addr of the configuration')
    .option(
      '--token-file <file>',
      `file with the admin token; default: $${TOKEN_VARIABLE}, else what the server has`,
    )
    .option('--user <account>', 'log in as an account of admin.users instead; asks for the password')
    .option('--json', 'print the answer of the server, for scripts')

/**
 * The server that the options mean.
 * @throws ConfigError, UsageError, or what the system says of a token file that was named
 */
export const findServer = async (
  options: AdminOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AdminServer> => {
  const named = options.server === undefined ? undefined : parseServer(options.server)
  const given = await givenCredentials(options, env)
  if (named !== undefined && given !== undefined) return { url: named.origin, ...given }
  // The token of this machine's server is nobody else's business.
  if (named !== undefined && !LOOPBACK.test(named.hostname))
    return { url: named.origin, ...noToken(`say --token-file, --user or $${TOKEN_VARIABLE}`) }
  const { config } = loadConfig({ file: options.config, env })
  return { url: named?.origin ?? debugUrlOf(config), ...(given ?? tokenOf(config)) }
}

type Credentials = Pick<AdminServer, 'authorization' | 'source'>

const noToken = (source: string): Credentials => ({ authorization: undefined, source })

const bearer = (token: string, source: string): Credentials => ({
  authorization: `Bearer ${token.trim()}`,
  source,
})

const parseServer = (text: string): URL => {
  const full = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '') return url
  throw new UsageError(`--server ${text}: say it like http://127.0.0.1:5001`)
}

const givenCredentials = async (
  { tokenFile, user }: AdminOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> => {
  if (user !== undefined) {
    const password = await readPassword({ isNew: false })
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return { authorization, source: `the password of ${user}` }
  }
  if (tokenFile !== undefined) return bearer(readFileSync(tokenFile, 'utf8'), tokenFile)
  const token = env[TOKEN_VARIABLE]
  return token ? bearer(token, `$${TOKEN_VARIABLE}`) : undefined
}

const tokenOf = (config: Config): Credentials => {
  if (config.admin.token !== undefined) return bearer(config.admin.token, 'admin.token')
  const file = join(config.storage.filesystem?.rootdirectory ?? DEFAULT_ROOT, ADMIN_TOKEN_KEY)
  try {
    return bearer(readFileSync(file, 'utf8'), file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return noToken(`there is no ${file}`)
    if (code === 'EACCES')
      return noToken(`${file} may not be read: be the user that the server runs as, or root`)
    return noToken(message)
  }
}

/** The debug listener, asked from this machine. */
const debugUrlOf = (config: Config): string => {
  const { host, port } = parseListenAddress(config.http.debug.addr) ?? { host: undefined, port: 0 }
  const name = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
