/** What commands write to the standard output. A reader that has seen enough (`| head`) ends the command in peace. */

let isGuarded = false

/** Writes text. */
export const print = (text: string): void => {
  if (!isGuarded) {
    isGuarded = true
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(0)
    })
  }
  process.stdout.write(text)
}

/** Writes a value as JSON, for scripts. */
export const printJson = (value: unknown): void => print(`${JSON.stringify(value, undefined, 2)}\n`)
