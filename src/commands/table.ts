/** Tables for people: a heading in capitals, aligned columns, two spaces between them. Pure. */

/** A column: its heading, and whether it holds figures, which are aligned at their right. */
export interface Column {
  readonly heading: string
  readonly isFigure?: boolean
}

const GAP = '  '

/** The table, a line break at its end. What would move a terminal's cursor is shown as `?`. */
export const formatTable = (columns: readonly Column[], rows: readonly (readonly string[])[]): string => {
  const lines = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map(toPlain))]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  return lines.map((line) => `${formatLine(columns, line, widths)}\n`).join('')
}

const formatLine = (
  columns: readonly Column[],
  cells: readonly string[],
  widths: readonly number[],
): string =>
  columns
    .map(({ isFigure }, index) => {
      const cell = cells[index] ?? ''
      const width = widths[index] ?? 0
      return isFigure === true ? cell.padStart(width) : cell.padEnd(width)
    })
    .join(GAP)
    .trimEnd()

/** Text from elsewhere (an upstream's message, a tag) without what a terminal would obey. */
export const toPlain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, '?')
