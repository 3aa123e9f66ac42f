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

// A token68 (`Negotiate YII=`) is passed over: no registry's challenge has one that matters here.
const PART =
  /\s*,?\s*(?:([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))|([!#$%&'*+.^_`|~\w-]+)(?=\s|,|$))/y

/**
 * The challenges in the value (or the values) of `WWW-Authenticate`: several may share a line. Scheme and parameter
 * names are case-insensitive, values are tokens or quoted strings. What is malformed ends the reading, without an error.
 */
export const parseChallenges = (header: string | readonly string[] | undefined): Challenge[] => {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  for (const line of header === undefined ? [] : typeof header === 'string' ? [header] : header) {
    if (line.length > MAX_HEADER_LENGTH) continue
    PART.lastIndex = 0
    for (let match = PART.exec(line); match !== null && match[0] !== ''; match = PART.exec(line)) {
      const [, name, quoted, bare, scheme] = match
      if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} })
      else if (name !== undefined) {
        const parameters = challenges.at(-1)?.parameters
        if (parameters) parameters[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? bare ?? ''
      }
    }
  }
  return challenges
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

/**
 * The scopes in a space-separated list. The type ends at the first colon and the actions begin after the last, since a
 * name may hold a port; a deprecated class (`repository(plugin)`) is dropped; what has no two colons is left out.
 */
export const parseScopes = (text: string): Scope[] =>
  text.split(/\s+/).flatMap((part) => {
    const first = part.indexOf(':')
    const last = part.lastIndexOf(':')
    if (first <= 0 || last === first) return []
    const actions = part
      .slice(last + 1)
      .split(',')
      .filter((action) => action !== '')
    return [{ type: part.slice(0, first).replace(/\(.*\)$/, ''), name: part.slice(first + 1, last), actions }]
  })

/** A scope as it stands in a challenge or a token request. */
export const formatScope = ({ type, name, actions }: Scope): string => `${type}:${name}:${actions.join(',')}`
