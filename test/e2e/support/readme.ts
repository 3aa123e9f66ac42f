/** The README as tests read it: its commands are run as they are written there. */
import { readFile } from 'node:fs/promises'

const README = new URL('../../../README.md', import.meta.url)
const BLOCK = /^```\w+\n(?<text>.*?)^```$/gms

/**
 * The code blocks below a heading, in their order.
 * @throws Error where there is no such heading
 */
export const readBlocks = async (heading: string): Promise<string[]> => {
  const sections = (await readFile(README, 'utf8')).split(/^##+ /m)
  const section = sections.find((each) => each.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`the README has no section ${heading}`)
  return [...section.matchAll(BLOCK)].map((match) => match.groups?.text ?? '')
}
