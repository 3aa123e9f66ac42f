/** How a client of the churn asks, and what no answer may be. */
import type { Answer } from '../entrepot.ts'
import type { Ledger } from './ledger.ts'

/** Asks a registry. */
export type Ask = (
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  headers?: Record<string, string>,
  body?: Buffer,
) => Promise<Pick<Answer, 'status' | 'headers' | 'body' | 'isCut'>>

/** The same, with every server error, cut answer and broken connection noted as a failure. */
export const watching =
  (ask: Ask, ledger: Ledger): Ask =>
  async (method, path, headers, body) => {
    try {
      const answer = await ask(method, path, headers, body)
      if (answer.status >= 500 || answer.isCut)
        ledger.fail(`${method} ${path}: ${answer.status}${answer.isCut ? ', cut' : ''} ${answer.body}`)
      return answer
    } catch (error) {
      ledger.fail(`${method} ${path}: ${error}`)
      throw error
    }
  }
