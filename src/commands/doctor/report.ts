/** What the doctor tells: the set-up of a client, then a line for each finding; or all of it as JSON in the end. */
import { print, printJson } from '../print.ts'
import { type Finding, formatFinding } from './finding.ts'

/** How a client is set up. */
export interface Setup {
  readonly name: string
  readonly text: string
}

/** What is found, told as it is found. */
export class Report {
  readonly #isJson: boolean
  readonly #setup: Setup | undefined
  readonly #findings: Finding[] = []

  constructor(isJson: boolean, setup: Setup | undefined) {
    this.#isJson = isJson
    this.#setup = setup
    if (!isJson && setup !== undefined) print(`${setup.text}\n`)
  }

  /** Tells findings. */
  add(...findings: readonly Finding[]): void {
    this.#findings.push(...findings)
    if (!this.#isJson) for (const each of findings) print(formatFinding(each))
  }

  /** Ends it; the exit code is 1 where there was a problem. */
  end(): void {
    if (this.#isJson) printJson({ findings: this.#findings, ...(this.#setup && { setup: this.#setup }) })
    if (this.#findings.some(({ level }) => level === 'problem')) process.exitCode = 1
  }
}
