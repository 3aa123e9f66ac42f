/** Whether a pull came by here: what the server knows of a repository, and its counters, before and after. */
import type { ContentsAnswer, StatusAnswer } from '../admin-answers.ts'
import { type AdminClient, AdminError } from '../admin-client.ts'
import { formatBytes } from '../units.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** What was seen at one time. */
export interface Sighting {
  /** All that is known of the repository, as text; empty: nothing. `undefined`: it may not be seen. */
  readonly contents: string | undefined
  /** Reads that were answered, whoever's they were, and their bytes. */
  readonly reads: number
  readonly toClientsBytes: number
  readonly fromUpstreamBytes: number
}

/** Looks at a repository and the counters. @throws AdminError, NoServerError */
export const look = async (client: AdminClient, repository: string | undefined): Promise<Sighting> => {
  const { traffic } = await client.get<StatusAnswer>('/status')
  return {
    contents: repository === undefined ? undefined : await readContents(client, repository),
    reads: traffic.hits + traffic.misses,
    toClientsBytes: traffic.toClientsBytes,
    fromUpstreamBytes: traffic.fromUpstreamBytes,
  }
}

const readContents = async (client: AdminClient, repository: string): Promise<string | undefined> => {
  try {
    return JSON.stringify(await client.get<ContentsAnswer>('/contents', { repository }))
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    return error.status === 404 ? '' : undefined
  }
}

/** Whether something of the repository was asked for between two looks; `undefined`: that cannot be told. */
const wasSeen = (before: Sighting, after: Sighting): boolean | undefined => {
  if (before.contents !== after.contents) return true
  if (before.reads === after.reads) return false
  return undefined
}

/** What two looks say of a pull between them. @param what the pull, for people */
export const judge = (what: string, before: Sighting, after: Sighting): Finding => {
  const isSeen = wasSeen(before, after)
  if (isSeen === false)
    return problem(
      `${what} went around this server: nothing was asked of it`,
      'the client fell back to the registry without a word; see what is wrong with its set-up',
    )
  const toClient = formatBytes(after.toClientsBytes - before.toClientsBytes)
  const fetched = formatBytes(after.fromUpstreamBytes - before.fromUpstreamBytes)
  const bytes = `${toClient} went to clients meanwhile, ${fetched} of it fetched from upstreams`
  if (isSeen === true) return ok(`${what} came through this server: ${bytes}`)
  return warning(
    `something was pulled from this server during ${what}, but it may have been somebody else: ${bytes}`,
    'remove the image from the client, or pull another tag, and try again',
  )
}
