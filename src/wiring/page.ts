/** Reads the files of the page, which lie beside the program: `src/page`, or `dist/page` once it is built. */
import { readdirSync, readFileSync } from 'node:fs'
import type { PageFiles } from '../http/page.ts'

const FOLDER = new URL('../page/', import.meta.url)

/** The files by their names. @throws the operating system's error where the program is not whole */
export const readPage = (): PageFiles =>
  new Map(readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER))]))
