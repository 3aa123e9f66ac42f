/** Passwords for commands: typed at a prompt that does not show them, or a line of the standard input; never an argument. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CommandError } from './command.ts'

/** Longest password that is read, in bytes; bcrypt sees the first 72. */
const MAX_BYTES = 1024

/**
 * Reads a password: at a terminal it is asked for, and a second time where it is a new one; else the first line of the
 * standard input is it.
 * @throws CommandError where there is none, or the second differs from the first
 */
export const readPassword = async ({ isNew }: { readonly isNew: boolean }): Promise<string> => {
  if (process.stdin.isTTY !== true) return readLine(process.stdin)
  const password = await ask('Password: ')
  if (isNew && (await ask('The same again: ')) !== password)
    throw new CommandError('the two passwords differ; nothing was changed')
  return notEmpty(password)
}

const readLine = async (input: AsyncIterable<Buffer | string>): Promise<string> => {
  let text = ''
  for await (const chunk of input) {
    text += chunk.toString()
    if (text.includes('\n') || text.length > MAX_BYTES) break
  }
  if (text.length > MAX_BYTES) throw new CommandError(`a password of more than ${MAX_BYTES} bytes`)
  return notEmpty(text.split(/\r?\n/)[0] ?? '')
}

const notEmpty = (password: string): string => {
  if (password === '') throw new CommandError('there is no password on the standard input')
  return password
}

/** Asks a question at the terminal; what is typed is not shown. */
const ask = async (question: string): Promise<string> => {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() })
  const prompt = createInterface({ input: process.stdin, output: silence, terminal: true })
  process.stderr.write(question)
  try {
    return await new Promise((resolve, reject) => {
      prompt.once('line', resolve)
      prompt.once('close', () => reject(new CommandError('nothing was changed')))
    })
  } finally {
    prompt.close()
    process.stderr.write('\n')
  }
}
