/** Addresses for the servers of a test. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { listenOnKeptPort } from '../../support/kept-port.ts'
import type { Workspace } from './workspace.ts'

/** A port of 127.0.0.1 that was free just now, and that the system gives to nobody, for a program that cannot choose one. */
export const findFreePort = async (): Promise<number> => {
  const server = createServer()
  const port = await listenOnKeptPort(server, 0)
  server.close()
  await once(server, 'close')
  return port
}

/** Starts an HTTP server on a free port of `host`, to be closed with `workspace` at the latest. Returns `host:port`. */
export const listen = async (workspace: Workspace, server: Server, host = '127.0.0.1'): Promise<string> => {
  workspace.defer(() => close(server))
  server.listen(0, host)
  await once(server, 'listening')
  return `${host}:${(server.address() as AddressInfo).port}`
}

/** Stops an HTTP server, connections included. */
export const close = async (server: Server): Promise<void> => {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
