/** `entrepot ls [NAME]`: what the running server has, by repository, or the tags and manifests of one. */
import type { ContentsAnswer, RepositoriesAnswer, RepositoryEntry } from './admin-answers.ts'
import { type AdminClient, withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { type AddCommand, UsageError } from './command.ts'
import { resolveImage } from './image-reference.ts'
import { print, printJson } from './print.ts'
import { formatTable } from './table.ts'
import { formatAgo, formatBytes, formatCount } from './units.ts'

/** Repositories that are asked for at once. */
const PAGE = 1000
/** Characters of a digest that people see. */
const SHORT_DIGEST = 19

const isGlob = (text: string): boolean => /[*?{}[\]!]/.test(text)

/** How to sort: by name, or the largest, latest or most pulled first. */
const ORDERS: Readonly<Record<string, (a: RepositoryEntry, b: RepositoryEntry) => number>> = {
  name: () => 0,
  size: (a, b) => b.sizeBytes - a.sizeBytes,
  used: (a, b) => Date.parse(b.usedAt ?? '1970') - Date.parse(a.usedAt ?? '1970'),
  pulls: (a, b) => b.pulls - a.pulls,
}

/** Adds `ls`. */
export const addLs: AddCommand = (program) => {
  withServer(program.command('ls'))
    .argument('[name]', 'a repository: its tags and manifests; or a glob of repositories: library/*')
    .option('--sort <by>', Object.keys(ORDERS).join(', '), 'name')
    .description('list what is cached and stored')
    .action(async (name: string | undefined, options: AdminOptions & { readonly sort: string }) => {
      const order = ORDERS[options.sort]
      if (order === undefined)
        throw new UsageError(`--sort ${options.sort} is none of ${Object.keys(ORDERS).join(', ')}`)
      await withClient(options, async (client) => {
        if (name === undefined || isGlob(name)) {
          const repositories = (await listRepositories(client, name)).sort(order)
          if (options.json) printJson({ repositories })
          else print(showRepositories(repositories, Date.now()))
          return
        }
        const { name: repository } = await resolveImage(client, name)
        const contents = await readContents(client, repository)
        if (options.json) printJson(contents)
        else print(showContents(contents, Date.now()))
      })
    })
}

/** All repositories, page by page. */
const listRepositories = async (
  client: AdminClient,
  filter: string | undefined,
): Promise<RepositoryEntry[]> => {
  const all: RepositoryEntry[] = []
  let last: string | undefined
  do {
    const page: RepositoriesAnswer = await client.get('/repositories', { n: PAGE, last, filter })
    all.push(...page.repositories)
    last = page.next
  } while (last !== undefined)
  return all
}

/** Everything of a repository: its tags page by page. */
const readContents = async (client: AdminClient, repository: string): Promise<ContentsAnswer> => {
  const { next, ...first } = await client.get<ContentsAnswer>('/contents', { repository })
  const tags = [...first.tags]
  const manifests = new Map(first.manifests.map((each) => [each.digest, each]))
  for (let last = next; last !== undefined; ) {
    const page: ContentsAnswer = await client.get('/contents', { repository, last })
    tags.push(...page.tags)
    for (const each of page.manifests) manifests.set(each.digest, each)
    last = page.next
  }
  return { ...first, tags, manifests: [...manifests.values()] }
}

/** Repositories for people. */
const showRepositories = (repositories: readonly RepositoryEntry[], nowMs: number): string => {
  if (repositories.length === 0) return 'there is nothing\n'
  const table = formatTable(
    [
      { heading: 'REPOSITORY' },
      { heading: 'KIND' },
      { heading: 'UPSTREAM' },
      { heading: 'TAGS', isFigure: true },
      { heading: 'MANIFESTS', isFigure: true },
      { heading: 'SIZE', isFigure: true },
      { heading: 'PULLS', isFigure: true },
      { heading: 'USED' },
    ],
    repositories.map((each) => [
      each.name,
      each.kind,
      each.upstream ?? '',
      String(each.tags),
      String(each.manifests),
      formatBytes(each.sizeBytes),
      String(each.pulls),
      formatAgo(each.usedAt, nowMs),
    ]),
  )
  return `${table}${formatCount(repositories.length, 'repository')}; layers that several share are counted in each\n`
}

/** A repository's contents for people: its tags, and the manifests that none of them names. */
const showContents = (contents: ContentsAnswer, nowMs: number): string => {
  const { name, kind, upstream, tags, manifests, sizeBytes, manifestCount = 0 } = contents
  const untagged = manifests.filter((each) => each.tags.length === 0)
  const rows = [
    ...tags.map((each) => [
      each.tag,
      each.digest.slice(0, SHORT_DIGEST),
      (each.platforms ?? []).join(' '),
      formatBytes(each.sizeBytes),
      formatBytes(each.ownBytes),
      String(each.pulls),
      formatAgo(each.usedAt, nowMs),
      kind === 'local' ? '' : `${formatAgo(each.askedAt, nowMs)}${each.isFresh === true ? ', fresh' : ''}`,
      each.isPinned ? 'pinned' : '',
    ]),
    ...untagged.map((each) => [
      '-',
      each.digest.slice(0, SHORT_DIGEST),
      '',
      formatBytes(each.sizeBytes),
      formatBytes(each.ownBytes),
      '',
      formatAgo(each.usedAt, nowMs),
      '',
      each.isPinned ? 'pinned' : '',
    ]),
  ]
  const table = formatTable(
    [
      { heading: 'TAG' },
      { heading: 'DIGEST' },
      { heading: 'PLATFORMS' },
      { heading: 'SIZE', isFigure: true },
      { heading: 'OWN', isFigure: true },
      { heading: 'PULLS', isFigure: true },
      { heading: 'USED' },
      { heading: 'ASKED' },
      { heading: '' },
    ],
    rows,
  )
  const from = upstream === undefined ? kind : `${kind} from ${upstream}`
  const others = manifestCount - manifests.length
  const rest = others > 0 ? `… and ${formatCount(others, 'other manifest')}\n` : ''
  return `${name}, ${from}: ${formatBytes(sizeBytes)}\n${rows.length === 0 ? '' : table}${rest}`
}
