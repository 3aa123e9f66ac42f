/** Which known word somebody meant: a typing mistake in a key costs people nights (design §5). */

/** Edits between two words: letters put in, left out or changed (Levenshtein). */
const distanceOf = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const change = (row[j] ?? 0) + (letter === b[j] ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** Longest word that is compared, in characters. */
const MAX_LENGTH = 100

/** Shortest word that is taken for the beginning of a known one, in characters. */
const MIN_BEGINNING = 3

/** The known word that is nearest to `word`, case aside; `undefined` where none is near enough to have been meant. */
export const nearestOf = (word: string, known: readonly string[]): string | undefined => {
  if (word.length > MAX_LENGTH) return undefined
  const most = Math.max(1, Math.floor(word.length / 3))
  const ranked = known
    .map((each) => ({ each, distance: distanceOf(word.toLowerCase(), each.toLowerCase()) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)
  return (
    ranked[0]?.each ??
    known.find((each) => word.length >= MIN_BEGINNING && each.startsWith(word.toLowerCase()))
  )
}
