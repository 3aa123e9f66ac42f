/** What a query of Prometheus selects: enough of PromQL to find the metrics and labels in it, and no more. */

/** A metric as a query names it, with the matchers in braces after it. */
export interface Selector {
  readonly metric: string
  /** As written, with braces; empty where there are none. */
  readonly matchers: string
  /** The labels that it is matched by. */
  readonly labels: readonly string[]
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring'])
const STRING = /"(?:[^"\\]|\\.)*"/g
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
const SELECTOR = /\b([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(\s*\()?/g

/** Braces within strings would be taken for the end of matchers. */
const withoutStrings = (query: string): { text: string; strings: string[] } => {
  const strings: string[] = []
  const text = query.replaceAll(STRING, (string) => `"${strings.push(string) - 1}"`)
  return { text, strings }
}

/** Everything that `query` selects, in order. */
export const selectorsOf = (query: string): Selector[] => {
  const { text, strings } = withoutStrings(query)
  const bare = text.replaceAll(GROUPING, ' ').replaceAll(/\[[^\]]*\]/g, ' ')
  return [...bare.matchAll(SELECTOR)].flatMap(([, metric = '', braces = '', call]) => {
    if (call !== undefined || KEYWORDS.has(metric)) return []
    const matchers = braces.replaceAll(/"(\d+)"/g, (_, index: string) => strings[Number(index)] ?? '')
    return [{ metric, matchers, labels: [...braces.matchAll(/(\w+)\s*[=!]/g)].map(([, name = '']) => name) }]
  })
}

/** The labels that `query` groups by or matches on. */
export const groupingsOf = (query: string): string[] =>
  [...withoutStrings(query).text.matchAll(GROUPING)].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
