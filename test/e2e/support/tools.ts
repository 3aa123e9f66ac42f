/** What the real clients' tests need on the machine. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const isInstalled = (command: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const lacking = (commands: readonly string[]): string | undefined => {
  const missing = commands.filter((command) => !isInstalled(command))
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`
  return process.getuid?.() === 0 ? undefined : 'container engines need root'
}

/**
 * For the `skip` of a suite that uses `commands`: false where all are there, else the reason. On CI nothing is
 * skipped.
 * @throws Error with that reason, where `CI` is set
 */
export const skipWithout = (...commands: string[]): string | false => {
  const reason = lacking(commands)
  if (reason === undefined) return false
  if (process.env.CI) throw new Error(`CI must run every end-to-end test, but ${reason}`)
  return reason
}
