/** `entrepot refresh REFERENCE...`: asks the upstream now whether tags have moved. */
import type { RefreshAnswer } from './admin-answers.ts'
import { withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { type AddCommand, UsageError } from './command.ts'
import { resolveImage } from './image-reference.ts'
import { print, printJson } from './print.ts'

/** Adds `refresh`. */
export const addRefresh: AddCommand = (program) => {
  withServer(program.command('refresh'))
    .argument('<reference...>', 'tags: alpine:3')
    .description('ask the upstream now whether tags have moved')
    .action(async (references: string[], options: AdminOptions) => {
      await withClient(options, async (client) => {
        for (const text of references) {
          const { name: repository, tag = 'latest', digest } = await resolveImage(client, text)
          if (digest !== undefined) throw new UsageError(`${text}: a digest never moves`)
          const answer = await client.send<RefreshAnswer>('POST', '/refresh', { repository, tag })
          if (options.json) printJson({ repository, tag, ...answer })
          else print(`${repository}:${tag}  ${describe(answer)}\n`)
        }
      })
    })
}

const describe = ({ digest, previousDigest, isChanged }: RefreshAnswer): string => {
  if (!isChanged) return `is still ${digest}`
  return previousDigest === undefined ? `is ${digest}` : `has moved to ${digest} from ${previousDigest}`
}
