/**
 * Charts as SVG, both axes logarithmic, since what grows here grows by tens: a straight level line is what one hopes for,
 * and n log n rises a little more than a decade a decade. One panel for each unit. Pure.
 */

/** One curve. */
export interface Series {
  readonly name: string
  /** Of the values: `requests/s`, `MiB`, `s`. */
  readonly unit: string
  readonly points: (readonly [x: number, y: number])[]
}

/** Curves over the same axis. */
export interface Chart {
  /** For the file, and for people. */
  readonly name: string
  readonly title: string
  readonly xTitle: string
  readonly series: readonly Series[]
}

const WIDTH = 720
const PANEL_HEIGHT = 250
const LEFT = 70
const RIGHT = 230
const TOP = 36
const BOTTOM = 44

/** Told apart by the colour-blind, too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']

const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)

const formatTick = (value: number): string => (value >= 1000 ? value.toLocaleString('en') : String(value))

/** The powers of ten that hold all values between them. */
const decades = (values: readonly number[]): number[] => {
  const logs = values.filter((value) => value > 0).map(Math.log10)
  const first = Math.floor(Math.min(...logs))
  const last = Math.max(first + 1, Math.ceil(Math.max(...logs)))
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** Maps a value to a place between two others, by its logarithm. */
const scale = (ticks: readonly number[], from: number, to: number) => {
  const first = ticks[0] ?? 0
  const span = (ticks.at(-1) ?? 1) - first
  return (value: number): number => from + ((Math.log10(value) - first) / span) * (to - from)
}

const text = (x: number, y: number, content: string, extra = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${extra}>${escapeXml(content)}</text>`

const line = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`

const drawSeries = (
  { name, points }: Series,
  i: number,
  toX: (value: number) => number,
  toY: (value: number) => number,
  top: number,
): string => {
  const colour = COLOURS[i % COLOURS.length]
  const places = points.filter(([x, y]) => x > 0 && y > 0).map(([x, y]) => [toX(x), toY(y)] as const)
  const path = places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')
  const dots = places.map(
    ([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`,
  )
  const label = text(WIDTH - RIGHT + 16, top + 14 + i * 18, name, `fill="${colour}"`)
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${label}`
}

const drawPanel = (series: readonly Series[], xTitle: string, offset: number): string => {
  const xTicks = decades(series.flatMap(({ points }) => points.map(([x]) => x)))
  const yTicks = decades(series.flatMap(({ points }) => points.map(([, y]) => y)))
  const top = offset + 10
  const bottom = offset + PANEL_HEIGHT - BOTTOM
  const toX = scale(xTicks, LEFT, WIDTH - RIGHT)
  const toY = scale(yTicks, bottom, top)
  const grid = [
    ...xTicks.map((tick) => line(toX(10 ** tick), top, toX(10 ** tick), bottom)),
    ...yTicks.map((tick) => line(LEFT, toY(10 ** tick), WIDTH - RIGHT, toY(10 ** tick))),
  ]
  const labels = [
    ...xTicks.map((tick) =>
      text(toX(10 ** tick), bottom + 16, formatTick(10 ** tick), 'text-anchor="middle"'),
    ),
    ...yTicks.map((tick) => text(LEFT - 6, toY(10 ** tick) + 4, formatTick(10 ** tick), 'text-anchor="end"')),
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 34, xTitle, 'text-anchor="middle"'),
    text(4, top - 10, series[0]?.unit ?? '', 'font-weight="bold"'),
  ]
  const curves = series.map((each, i) => drawSeries(each, i, toX, toY, top))
  return [...grid, ...labels, ...curves].join('\n')
}

/** The chart as an SVG document. */
export const drawChart = ({ title, xTitle, series }: Chart): string => {
  const drawn = series.filter(({ points }) => points.length > 0)
  const units = [...new Set(drawn.map(({ unit }) => unit))]
  const height = TOP + units.length * PANEL_HEIGHT
  const panels = units.map((unit, i) =>
    drawPanel(
      drawn.filter((each) => each.unit === unit),
      xTitle,
      TOP + i * PANEL_HEIGHT,
    ),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 22, title, 'font-size="15" font-weight="bold"'),
    ...panels,
    '</svg>',
    '',
  ].join('\n')
}
