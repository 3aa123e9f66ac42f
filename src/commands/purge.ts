/** `entrepot purge`: drops mirrored content, after showing what that would be. */
import { createInterface } from 'node:readline/promises'
import type { PurgeAnswer } from './admin-answers.ts'
import { type AdminClient, withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { type AddCommand, CommandError, UsageError } from './command.ts'
import { resolveImage } from './image-reference.ts'
import { print, printJson } from './print.ts'
import { toPlain } from './table.ts'
import { formatBytes, formatCount } from './units.ts'

interface PurgeOptions extends AdminOptions {
  readonly pattern?: string
  readonly upstream?: string
  readonly unusedFor?: string
  readonly all?: true
  readonly dryRun?: true
  readonly yes?: true
}

/** Items that people see before they decide. */
const SHOWN = 20

/** Adds `purge`. */
export const addPurge: AddCommand = (program) => {
  withServer(program.command('purge'))
    .argument('[reference]', 'a tag (alpine:3), a digest (alpine@sha256:…) or a repository (alpine)')
    .option('--pattern <glob>', 'repositories: library/*')
    .option('--upstream <name>', 'all of an upstream')
    .option('--unused-for <duration>', 'what nobody has pulled for so long: 30d')
    .option('--all', 'everything that is mirrored')
    .option('-n, --dry-run', 'only say what would go, and how many bytes that frees')
    .option('-y, --yes', 'do not ask')
    .description('drop mirrored content; what several options say must all fit')
    .action(async (reference: string | undefined, options: PurgeOptions) => {
      await withClient(options, async (client) => {
        const answer = await purge(client, reference, options)
        if (options.json) printJson(answer)
        else print(showPurge(answer))
      })
    })
}

const purge = async (
  client: AdminClient,
  reference: string | undefined,
  options: PurgeOptions,
): Promise<PurgeAnswer> => {
  const { pattern, upstream, unusedFor, all, dryRun, yes } = options
  if ([reference, pattern, upstream, unusedFor, all].every((each) => each === undefined))
    throw new UsageError('purge what? say a reference, --pattern, --upstream, --unused-for or --all')
  if (dryRun === undefined && yes === undefined && process.stdin.isTTY !== true)
    throw new UsageError('nobody can be asked here: say --yes, or look first with --dry-run')
  const image = reference === undefined ? undefined : await resolveImage(client, reference)
  const what = {
    ...(image && { repository: image.name }),
    ...(image?.digest ? { digest: image.digest } : image?.tag && { tag: image.tag }),
    ...(pattern !== undefined && { pattern }),
    ...(upstream !== undefined && { upstream }),
    ...(unusedFor !== undefined && { unusedFor }),
    ...(all && { all }),
  }
  const ask = (isDryRun: boolean): Promise<PurgeAnswer> =>
    client.send('POST', '/purge', { ...what, dryRun: isDryRun })
  if (yes !== undefined && dryRun === undefined) return ask(false)
  const planned = await ask(true)
  if (dryRun !== undefined || planned.items.length === 0) return planned
  process.stderr.write(showPurge(planned))
  if (!(await confirm('Purge it?'))) throw new CommandError('nothing was purged')
  return ask(false)
}

/** A question at the terminal: only `y` and `yes` mean yes. */
const confirm = async (question: string): Promise<boolean> => {
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const end = new Promise<string>((resolve) => prompt.once('close', () => resolve('\n')))
    const answer = await Promise.race([prompt.question(`${question} [y/N] `), end])
    if (answer === '\n') process.stderr.write(answer)
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    prompt.close()
  }
}

/** What went, or would go, for people. */
export const showPurge = ({ isDryRun, items, ...sum }: PurgeAnswer): string => {
  if (items.length === 0) return 'nothing matches: nothing to purge\n'
  const shown = isDryRun ? items.slice(0, SHOWN) : []
  const lines = shown.map(({ repository, tag, digest }) =>
    toPlain(`${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`),
  )
  const rest = isDryRun ? items.length - shown.length : 0
  return [
    ...lines,
    ...(rest > 0 ? [`… and ${rest}${items.length === 1000 ? ' or more' : ''} others`] : []),
    `${formatCount(sum.tags, 'tag')}, ${formatCount(sum.manifests, 'manifest')} and ${formatCount(sum.blobs, 'blob')} of ${formatCount(sum.repositories, 'repository')}: ${formatBytes(sum.bytes)} ${isDryRun ? 'would be freed' : 'freed'}`,
    '',
  ].join('\n')
}
