/** `entrepot health [config.yml]`: whether the server on this machine is alive; for the health check of the image. */
import { get } from 'node:http'
import { parseListenAddress } from '../config/address.ts'
import { loadConfig } from '../config/load.ts'
import { type AddCommand, CommandError } from './command.ts'

/** How long an answer may take, in milliseconds. */
const TIMEOUT_MS = 3000

const EVERYWHERE = new Set([undefined, '0.0.0.0', '::'])

/** Adds `health`. */
export const addHealth: AddCommand = (program) => {
  program
    .command('health')
    .argument('[config]', 'configuration file of the server')
    .description('ask the running server on this machine whether it is alive; fails if it is not')
    .action(async (file: string | undefined) => {
      const { addr } = loadConfig({ file, env: process.env }).config.http.debug
      const { host, port } = parseListenAddress(addr) ?? { host: undefined, port: 0 }
      const status = await ask(EVERYWHERE.has(host) ? '127.0.0.1' : host, port)
      if (status !== 200) throw new CommandError(`the server at ${addr} is not well: ${status}`)
    })
}

/** The status of `/healthz`, or what went wrong. */
const ask = (host: string | undefined, port: number): Promise<number | string> =>
  new Promise((resolve) => {
    const request = get({ host, port, path: '/healthz', timeout: TIMEOUT_MS, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 'no status')
    })
    request.on('timeout', () => request.destroy(new Error('no answer')))
    request.on('error', (error) => resolve(error.message))
  })
