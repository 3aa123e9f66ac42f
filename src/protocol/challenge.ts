/**
 * `WWW-Authenticate` challenges (RFC 9110, 11.6.1) and token scopes (distribution's token authentication
 * specification). Pure text; who is asked with which password is decided in `upstream/token`.
 */

/** One challenge: the scheme in lower case, its parameters by lower-case name. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

/** Longest header that is looked at, in characters: a longer one is hostile. */
const MAX_HEADER_LENGTH = 8192

// name=value, or a scheme, or a token68 (`Negotiate YII=`), which is passed over: no registry's challenge has one that
// matters here. No two neighbours of this expression can match the same character: a hostile header costs linear time.
const PART =
  /[\s,]*(?:([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))|([!#$%&'*+.^_`|~\w-]+)(?=\s|,|$)|[\w.~+/-]+=*(?=\s*(?:,|$)))/y

const parseLine = (line: string): Challenge[] => {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  PART.lastIndex = 0
  for (let match = PART.exec(line); match !== null; match = PART.exec(line)) {
    const [, name, quoted, bare, scheme] = match
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    const parameters = challenges.at(-1)?.parameters
    if (name === undefined || parameters === undefined || parameters.has(name.toLowerCase())) continue
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '')
  }
  return challenges.map(({ scheme, parameters }) => ({ scheme, parameters: Object.fromEntries(parameters) }))
}

/**
 * The challenges in the value (or the values) of `WWW-Authenticate`: several may share a line. Scheme and parameter
 * names are case-insensitive, values are tokens or quoted strings, and of two parameters of one name the first counts.
 * What is malformed ends the reading of its line, without an error.
 */
export const parseChallenges = (header: string | readonly string[] | undefined): Challenge[] => {
  const lines = header === undefined ? [] : typeof header === 'string' ? [header] : header
  return lines.filter((line) => line.length <= MAX_HEADER_LENGTH).flatMap(parseLine)
}

/** A challenge as it is sent: every value quoted, no space after commas, which old clients need. */
export const formatChallenge = (scheme: string, parameters: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`,
  )
  return pairs.length === 0 ? scheme : `${scheme} ${pairs.join(',')}`
}

/** An access that a token asks for or grants: `repository:library/alpine:pull`. */
export interface Scope {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** `repository(plugin)` → `repository`: the class is deprecated and means nothing. */
const withoutClass = (type: string): string =>
  type.endsWith(')') && type.includes('(') ? type.slice(0, type.indexOf('(')) : type

/**
 * The scopes in a space-separated list. The type ends at the first colon and the actions begin after the last, since a
 * name may hold a port; a deprecated class (`repository(plugin)`) is dropped; what lacks a type, a name or two colons
 * is left out.
 */
export const parseScopes = (text: string): Scope[] =>
  text.split(/\s+/).flatMap((part) => {
    const first = part.indexOf(':')
    const last = part.lastIndexOf(':')
    const type = withoutClass(part.slice(0, Math.max(0, first)))
    const name = part.slice(first + 1, last)
    if (type === '' || name === '' || last === first) return []
    const actions = part
      .slice(last + 1)
      .split(',')
      .filter((action) => action !== '')
    return [{ type, name, actions }]
  })

/** A scope as it stands in a challenge or a token request. */
export const formatScope = ({ type, name, actions }: Scope): string => `${type}:${name}:${actions.join(',')}`
