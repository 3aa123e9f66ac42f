/** Container engines' configuration files, which are TOML. */
import { parse, TomlError, type TomlTable } from 'smol-toml'

/** Deepest nesting that is read. */
const MAX_DEPTH = 50

/**
 * Reads a document.
 * @throws Error that names the line
 */
export const parseToml = (text: string): TomlTable => {
  try {
    return parse(text, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [message = ''] = error.message.split('\n')
    throw new Error(`line ${error.line}: ${message.replace('Invalid TOML document: ', '')}`, { cause: error })
  }
}
