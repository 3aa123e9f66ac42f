/** Where the project lies and how its program is run, whether the tests run from source or bundled (`npm test`). */
import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'

const findRoot = (folder: string): string =>
  existsSync(join(folder, 'package-lock.json')) ? folder : findRoot(dirname(folder))

/** The project's folder. */
export const ROOT = findRoot(import.meta.dirname)

const EXTENSION = extname(import.meta.filename)

/** A module of the program, by its path in `src` without an extension. */
export const moduleFile = (path: string): string =>
  join(import.meta.dirname, '..', '..', 'src', `${path}${EXTENSION}`)

/** Options of Node that a module of the program needs. */
export const NODE_OPTIONS: readonly string[] =
  EXTENSION === '.ts' ? ['--import', import.meta.resolve('tsx')] : []

/** The program. */
export const MAIN = moduleFile('main')
