/** The text that Prometheus reads, taken apart (exposition format 0.0.4, as far as ours goes). */

/** One line of it. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

const readValue = (text: string): string =>
  text.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))

/** All samples of an exposition, in order. @throws Error for a line that is neither a sample nor a comment */
export const parseExposition = (text: string): Sample[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = LINE.exec(line)
      if (match === null) throw new Error(`no sample: ${line}`)
      const pairs = [...(match[2] ?? '').matchAll(LABEL)].map(([, name, value]) => [
        name,
        readValue(value ?? ''),
      ])
      return { name: match[1] ?? '', labels: Object.fromEntries(pairs), value: Number(match[3]) }
    })

/** What was scraped at one moment. */
export class Exposition {
  readonly samples: readonly Sample[]

  constructor(text: string) {
    this.samples = parseExposition(text)
  }

  /** The sum of all samples of a name that have these labels, whatever else they have; `undefined` where there is none. */
  find(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const found = this.samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0)
  }

  /** The same; 0 where there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.find(name, labels) ?? 0
  }
}

/** Scrapes a debug listener. */
export const scrape = async (debugUrl: string): Promise<Exposition> => {
  const answer = await fetch(`${debugUrl}/metrics`)
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`)
  return new Exposition(await answer.text())
}
