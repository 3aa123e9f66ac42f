/**
 * `Link: <…>; rel="next"`, by which lists are read page by page (RFC 8288, as far as registries use it;
 * distribution-spec 1.1, Listing Tags and Listing Referrers).
 */

/** Longest header that is looked at, in characters: a longer one is hostile. */
const MAX_HEADER_LENGTH = 16_384

// In both, no two neighbours can match the same character: a hostile header costs linear time.
const TARGET = /[\s,]*<([^<>]*)>/y
const PARAMETER = /[ \t]*;[ \t;]*([\w!#$&+.^`|~*-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?/y

/** Reads one parameter after another from `start`; of two `rel` the first counts (RFC 8288, 3.3). */
const readRelation = (line: string, start: number): { relation: string | undefined; end: number } => {
  let relation: string | undefined
  let end = start
  PARAMETER.lastIndex = start
  for (let match = PARAMETER.exec(line); match !== null; match = PARAMETER.exec(line)) {
    end = PARAMETER.lastIndex
    if (match[1]?.toLowerCase() === 'rel') relation ??= match[2] ?? match[3] ?? ''
  }
  return { relation, end }
}

const nextOf = (line: string): string | undefined => {
  TARGET.lastIndex = 0
  for (let match = TARGET.exec(line); match !== null; match = TARGET.exec(line)) {
    const { relation, end } = readRelation(line, TARGET.lastIndex)
    if (match[1] !== '' && relation?.toLowerCase().split(/\s+/).includes('next')) return match[1]
    TARGET.lastIndex = end
  }
  return undefined
}

/**
 * Where the next page is, as the value (or the values) of `Link` says: a URI reference, to be resolved against the
 * URL that was asked. `undefined` at the end of the list. What is malformed ends the reading, without an error.
 */
export const parseNextLink = (header: string | readonly string[] | undefined): string | undefined => {
  const lines = header === undefined ? [] : typeof header === 'string' ? [header] : header
  for (const line of lines) {
    const next = line.length <= MAX_HEADER_LENGTH ? nextOf(line) : undefined
    if (next !== undefined) return next
  }
  return undefined
}

/**
 * The `Link` of a page that is not the last.
 * @param path of the list, already safe in a URL (repository names and digests are); behind an origin where one is set
 * @param parameters of the next page's query, in this order; a list is repeated, and what is `undefined` is left out
 */
export const formatNextLink = (
  path: string,
  parameters: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters))
    for (const each of typeof value === 'object' ? value : value === undefined ? [] : [value])
      query.append(name, String(each))
  return `<${path}?${query}>; rel="next"`
}
