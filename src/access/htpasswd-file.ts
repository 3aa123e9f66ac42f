/**
 * The text of an htpasswd file: `account:hash` lines as Apache's `htpasswd` writes them (protocol.md §5.7). Only
 * bcrypt counts, as in distribution; lines with other hashes load and never match. Reading and editing, both pure.
 */

/** Costs of bcrypt that are accepted: below 4 there is none, above 16 one check takes longer than a client waits. */
const MIN_COST = 4
const MAX_COST = 16

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** What `htpasswd` and its like write besides, by how it begins. */
const OTHER_KINDS: readonly (readonly [prefix: string, kind: string])[] = [
  ['$2', 'a bcrypt hash that is damaged or of a kind or cost that is not used'],
  ['$apr1$', 'MD5 (apr1)'],
  ['$1$', 'MD5'],
  ['{SHA}', 'SHA-1'],
  ['{SSHA}', 'SHA-1'],
  ['$5$', 'SHA-256'],
  ['$6$', 'SHA-512'],
  ['$y$', 'yescrypt'],
  ['$argon2', 'Argon2'],
]

/** A line whose hash nobody can log in with. */
export interface UnusableLine {
  readonly account: string
  /** What its hash is instead of bcrypt, for people. */
  readonly kind: string
}

/** What an htpasswd file says. */
export interface HtpasswdContent {
  /** Account → bcrypt hash. Of two lines of one account the last counts, as in distribution. */
  readonly hashByAccount: ReadonlyMap<string, string>
  readonly unusable: readonly UnusableLine[]
}

/** The cost of a bcrypt hash, or `undefined` where `hash` is none that entrepot checks. */
export const bcryptCost = (hash: string): number | undefined => {
  const cost = Number(BCRYPT.exec(hash)?.[1])
  return cost >= MIN_COST && cost <= MAX_COST ? cost : undefined
}

/**
 * The accounts in the text of an htpasswd file; blank lines and `#` lines are passed over.
 * @throws Error that names the line without a `:`, which distribution refuses as well
 */
export const parseHtpasswd = (text: string): HtpasswdContent => {
  const lineByAccount = new Map<string, string>()
  for (const [index, raw] of text.split('\n').entries()) {
    const account = accountOf(raw)
    if (account === undefined) continue
    if (account === '') throw new Error(`line ${index + 1} is not of the form account:hash`)
    lineByAccount.set(account, raw.trim().slice(account.length + 1))
  }
  const all = [...lineByAccount]
  return {
    hashByAccount: new Map(all.filter(([, hash]) => bcryptCost(hash) !== undefined)),
    unusable: all
      .filter(([, hash]) => bcryptCost(hash) === undefined)
      .map(([account, hash]) => ({ account, kind: nameKind(hash) })),
  }
}

/** The account of a line; empty where the line is malformed, `undefined` where it holds none. */
const accountOf = (raw: string): string | undefined => {
  const line = raw.trim()
  if (line === '' || line.startsWith('#')) return undefined
  return line.slice(0, Math.max(0, line.indexOf(':')))
}

const nameKind = (hash: string): string =>
  OTHER_KINDS.find(([prefix]) => hash.startsWith(prefix))?.[1] ?? 'crypt or plain text'

/**
 * The text with `account` set to `hash`: in place where the account is there, else in a line of its own at the end.
 * Every other line stays as it is, comments and what nobody understands included.
 */
export const setAccount = (text: string, account: string, hash: string): string => {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => accountOf(line) === account)
  if (first < 0) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${account}:${hash}\n`
  return lines
    .map((line, index) => (index === first ? `${account}:${hash}${line.endsWith('\r') ? '\r' : ''}` : line))
    .filter((line, index) => index === first || accountOf(line) !== account)
    .join('\n')
}

/** The text without the lines of `account`, or `undefined` where it has none. */
export const removeAccount = (text: string, account: string): string | undefined => {
  const lines = text.split('\n')
  const kept = lines.filter((line) => accountOf(line) !== account)
  return kept.length === lines.length ? undefined : kept.join('\n')
}

/**
 * What is wrong with a name for an account, or `undefined`. A colon would end it, a `#` make it a comment, and rules
 * could not tell a role from it.
 */
export const accountNameProblem = (account: string): string | undefined => {
  if (account === '') return 'the name of an account cannot be empty'
  if (account.trim() !== account || /\p{Cc}/u.test(account))
    return 'the name of an account cannot begin or end with a space or hold control characters'
  if (account.includes(':')) return 'the name of an account cannot hold a colon'
  if (account.startsWith('#')) return 'the name of an account cannot begin with #'
  return undefined
}
