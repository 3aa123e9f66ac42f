/**
 * Ports that a test closes and opens again, or names to a program. One that the system chose may be anybody's meanwhile: of
 * another test, or of a connection on its way out. So they are chosen below those that the system gives away.
 */
import { once } from 'node:events'
import type { Server } from 'node:net'

const FIRST_PORT = 10_240
/** Where Linux begins to give ports away. */
const END_PORT = 32_768

/**
 * Listens on loopback.
 * @param port the one that it had before; 0: none yet
 * @returns the port
 */
export const listenOnKeptPort = async (server: Server, port: number): Promise<number> => {
  for (;;) {
    const wanted = port === 0 ? FIRST_PORT + Math.floor(Math.random() * (END_PORT - FIRST_PORT)) : port
    server.listen(wanted, '127.0.0.1')
    try {
      await once(server, 'listening')
      return wanted
    } catch (error) {
      if (port !== 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}
