/**
 * What hostile input must not do: throw anything but a RegistryError, or take time that grows faster than the input.
 */
import { runInNewContext } from 'node:vm'
import { RegistryError } from '../../src/protocol/error.ts'

/** How long input is made so that quadratic work on it takes hours, in characters. */
export const HOSTILE_LENGTH = 1_000_000

/** Breaks off work that does not come to an end, in milliseconds: a thousand times what linear work takes. */
const GIVE_UP_AFTER_MS = 10_000

/** Runs synchronous work, and throws where it would not come to an end (also inside of a regular expression). */
export const comesToAnEnd = <T>(work: () => T): T =>
  runInNewContext('work()', { work }, { timeout: GIVE_UP_AFTER_MS }) as T

/** Runs work that may refuse its input by a RegistryError, and lets every other error through. */
export const refusesAtMost = (work: () => unknown): void => {
  try {
    work()
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
  }
}
