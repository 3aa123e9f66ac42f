/** The benchmark's command line. */
import { parseArgs } from 'node:util'
import type { ContestantName } from './servers/server.ts'

export const USAGE = `npm run bench -- [options]
  --case <name>      only this case; may be given several times
  --short            the short form, under a minute: processor time beside others', compared with what is
                     stored; a loss of more than a third, three times in a row, fails
  --growth           another form: how speed and memory go with size, drawn into docs/; a quarter of an hour
  --runs <n>         rounds of each case (default 3, short form 2)
  --with <names>     who takes part, separated by commas (default: everybody who is installed; short form: entrepot,
                     and docker-registry or Node by itself)
  --json <file>      writes all figures there
  --store            stores the ratios of this short run as those to compare with
  --document         writes how the targets fared into docs/performance.md
  --list             names the cases
`

const EVERYBODY = 'entrepot,docker-registry,distribution,nginx-cache,nginx-static,node,direct'
const FULL_RUNS = 3
const SHORT_RUNS = 2
const SHORT = 'entrepot,docker-registry,node'

/** What was asked for. */
export interface Options {
  readonly cases: readonly string[]
  readonly form: 'full' | 'short' | 'growth'
  readonly isShort: boolean
  readonly runs: number
  readonly contestants: readonly ContestantName[]
  readonly jsonFile: string | undefined
  readonly stores: boolean
  readonly documents: boolean
  readonly lists: boolean
}

/** Reads the arguments. @throws TypeError for what is none */
export const parseOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: 'string', multiple: true, default: [] },
      short: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      runs: { type: 'string' },
      with: { type: 'string' },
      json: { type: 'string' },
      store: { type: 'boolean', default: false },
      document: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  })
  return {
    cases: values.case,
    form: values.growth ? 'growth' : values.short ? 'short' : 'full',
    isShort: values.short,
    runs: Number(values.runs ?? (values.short ? SHORT_RUNS : FULL_RUNS)),
    contestants: (values.with ?? (values.short ? SHORT : EVERYBODY)).split(',') as ContestantName[],
    jsonFile: values.json,
    stores: values.store,
    documents: values.document,
    lists: values.list,
  }
}
