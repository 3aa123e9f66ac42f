/** A pull as a test: run here, or by somebody on another host while the server is watched. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExplainAnswer } from '../admin-answers.ts'
import { type AdminClient, AdminError } from '../admin-client.ts'
import { UsageError } from '../command.ts'
import { type Finding, problem } from './finding.ts'
import { isMirror, type Mirror } from './mirror.ts'
import { runProgram } from './run-program.ts'
import { judge, look, type Sighting } from './sighting.ts'

/** How long a pull may take, in milliseconds. */
const PULL_MS = 600_000
/** How long the server is watched, and how often it is looked at, in milliseconds. */
const WATCH_MS = 300_000
const LOOK_MS = 1000

/** A pull to be run. */
export interface TestPull {
  /** For people: `docker pull alpine`. */
  readonly text: string
  readonly command: readonly string[]
  readonly reference: string
}

/** A command line of the user's that pulls; the reference is its last word. @throws UsageError */
export const parsePull = (text: string): TestPull => {
  const reference = text
    .trim()
    .split(/\s+/)
    .at(-1)
    ?.replace(/^["']|["']$/g, '')
  if (!reference || reference.startsWith('-'))
    throw new UsageError('--test must end with the image: docker pull alpine:3')
  return { text, command: ['sh', '-c', text], reference }
}

/** Runs a pull, and says which way it went. */
export const testPull = async (client: AdminClient, mirror: Mirror, pull: TestPull): Promise<Finding[]> => {
  const repository = await findRepository(client, mirror, pull.reference)
  const before = await look(client, repository)
  const { isWell, lastLine } = await runProgram(pull.command, PULL_MS)
  const after = await look(client, repository)
  const way = judge(pull.text, before, after)
  return isWell ? [way] : [problem(`${pull.text} failed`, lastLine), way]
}

/** Waits for a pull that somebody does elsewhere. */
export const watchPull = async (
  client: AdminClient,
  mirror: Mirror,
  reference: string,
  { watchMs = WATCH_MS, lookMs = LOOK_MS } = {},
): Promise<Finding> => {
  const repository = await findRepository(client, mirror, reference)
  const before = await look(client, repository)
  let after: Sighting = before
  for (let waitedMs = 0; waitedMs < watchMs && isUnseen(before, after); waitedMs += lookMs) {
    await sleep(lookMs)
    after = await look(client, repository)
  }
  return judge(`the pull of ${reference}`, before, after)
}

const isUnseen = (before: Sighting, after: Sighting): boolean =>
  before.contents === undefined ? before.reads === after.reads : before.contents === after.contents

/** The repository by the name under which it is stored; `undefined` where the server does not say. */
const findRepository = async (
  client: AdminClient,
  mirror: Mirror,
  text: string,
): Promise<string | undefined> => {
  const reference = isMirror(mirror, text) ? text.replace(/^[^/]*\//, '') : text
  try {
    return (await client.get<ExplainAnswer>('/explain', { reference })).repository
  } catch (error) {
    // Without a login, or with a server that does not know the call, the counters must do.
    if (error instanceof AdminError && (error.status === 401 || error.code === 'UNKNOWN')) return undefined
    throw error
  }
}
