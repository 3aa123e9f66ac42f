/**
 * TOML as container engines' configuration files use it (toml.io v1.0): tables, lists of tables, strings, lists, inline
 * tables, true and false. Numbers and dates, which decide nothing here, are kept as their text.
 */

/** A value that was read. */
export type Toml = string | boolean | readonly Toml[] | TomlTable

/** A table. */
export interface TomlTable {
  readonly [key: string]: Toml
}

type Growing = { [key: string]: Toml | Growing | Growing[] }

/** Deepest nesting that is read. */
const MAX_DEPTH = 50

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }

/**
 * Reads a document.
 * @throws Error that names the line
 */
export const parseToml = (text: string): TomlTable => {
  const reader = new Reader(text)
  const root: Growing = Object.create(null)
  let table = root
  for (reader.skip(); !reader.isAtEnd; reader.skip()) {
    if (reader.take('[[')) table = addToList(root, reader.keys(']]'), reader)
    else if (reader.take('[')) table = descend(root, reader.keys(']'), reader)
    else reader.pair(table)
    reader.lineEnd()
  }
  return root as TomlTable
}

const isTable = (value: unknown): value is Growing => typeof value === 'object' && !Array.isArray(value)

/** The table at a path, made where it is not there; of a list of tables the last. */
const descend = (root: Growing, path: readonly string[], reader: Reader): Growing => {
  let table = root
  for (const key of path) {
    table[key] ??= Object.create(null) as Growing
    const value = table[key]
    const next: unknown = Array.isArray(value) ? value.at(-1) : value
    if (!isTable(next)) throw reader.wrong(`${key} is no table`)
    table = next
  }
  return table
}

const addToList = (root: Growing, path: readonly string[], reader: Reader): Growing => {
  const parent = descend(root, path.slice(0, -1), reader)
  const key = path.at(-1) ?? ''
  parent[key] ??= []
  const list = parent[key]
  if (!Array.isArray(list)) throw reader.wrong(`${key} is no list of tables`)
  const table: Growing = Object.create(null)
  ;(list as Growing[]).push(table)
  return table
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  wrong(what: string): Error {
    return new Error(`line ${this.#text.slice(0, this.#at).split('\n').length}: ${what}`)
  }

  /** Passes over white space, line ends and comments. */
  skip(): void {
    this.#match(/(?:\s|#[^\n]*)*/y)
  }

  take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  lineEnd(): void {
    this.#match(/[ \t]*(?:#[^\n]*)?/y)
    if (!this.isAtEnd && !this.take('\r\n') && !this.take('\n'))
      throw this.wrong('more than one thing on the line')
  }

  /** A dotted key, to the word that ends it. */
  keys(end: string): string[] {
    const path: string[] = []
    do {
      this.#match(/[ \t]*/y)
      const bare = this.#match(/[\w-]+/y)
      const key = bare !== '' ? bare : this.#string()
      if (key === undefined) throw this.wrong('a key is missing')
      path.push(key)
      this.#match(/[ \t]*/y)
    } while (this.take('.'))
    if (!this.take(end)) throw this.wrong(`${end} is missing`)
    return path
  }

  pair(table: Growing, depth = 0): void {
    const path = this.keys('=')
    const parent = descend(table, path.slice(0, -1), this)
    const key = path.at(-1) ?? ''
    if (parent[key] !== undefined) throw this.wrong(`${key} is there twice`)
    parent[key] = this.#value(depth)
  }

  #value(depth: number): Toml {
    if (depth > MAX_DEPTH) throw this.wrong('nested too deeply')
    this.#match(/[ \t]*/y)
    if (this.take('[')) return this.#list(depth + 1)
    if (this.take('{')) return this.#inlineTable(depth + 1)
    const string = this.#string()
    if (string !== undefined) return string
    const word = this.#match(/[\w+.:-]+/y)
    if (word === '') throw this.wrong('a value is missing')
    return word === 'true' ? true : word === 'false' ? false : word
  }

  #list(depth: number): Toml[] {
    const list: Toml[] = []
    for (this.skip(); !this.take(']'); this.skip()) {
      list.push(this.#value(depth))
      this.skip()
      if (!this.take(',') && !this.#text.startsWith(']', this.#at)) throw this.wrong('] is missing')
    }
    return list
  }

  #inlineTable(depth: number): TomlTable {
    const table: Growing = Object.create(null)
    for (this.skip(); !this.take('}'); this.skip()) {
      this.pair(table, depth)
      this.skip()
      if (!this.take(',') && !this.#text.startsWith('}', this.#at)) throw this.wrong('} is missing')
    }
    return table as TomlTable
  }

  #string(): string | undefined {
    for (const [quotes, body] of [
      ['"""', /(?:[^\\]|\\[\s\S])*?(?="""(?!"))/y],
      ["'''", /[\s\S]*?(?='''(?!'))/y],
      ['"', /(?:[^"\\\n]|\\.)*/y],
      ["'", /[^'\n]*/y],
    ] as const) {
      if (!this.take(quotes)) continue
      const text = this.#match(body)
      if (!this.take(quotes)) throw this.wrong(`${quotes} is missing`)
      const first = quotes.length === 3 ? text.replace(/^\r?\n/, '') : text
      return quotes.startsWith('"') ? readEscapes(first) : first
    }
    return undefined
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [text = ''] = pattern.exec(this.#text) ?? []
    this.#at += text.length
    return text
  }
}

const readEscapes = (text: string): string =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|\s*\n\s*|(.))/g, (_, short, long, letter) => {
    const code = short ?? long
    if (code !== undefined) return String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(code, 16)))
    return letter === undefined ? '' : (ESCAPES[letter] ?? letter)
  })
