/** A plain HTTP client without a pool, for tests that look at every byte. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

/** Asks for `path` at `address` (`host:port`) over a connection of its own. The caller reads or destroys the answer. */
export const getPath = async (address: string, path: string): Promise<IncomingMessage> => {
  const request = get(`http://${address}${path}`, { agent: false })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}
