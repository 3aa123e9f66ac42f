/** What a case works with: a place, clients, servers, and somewhere to put its figures. */
import { makeWorkspace, type Workspace } from '../e2e/support/workspace.ts'
import { Clients } from './client/clients.ts'
import type { Metric, Sample } from './measure/samples.ts'
import type { Chart } from './report/chart.ts'
import { contestants } from './servers/all.ts'
import type { Contestant, ContestantName, Server, ServerOptions } from './servers/server.ts'

/** How much is measured. */
export interface BenchOptions {
  /** Less of everything: for a change's check, not for a verdict. */
  readonly isShort: boolean
  /** Rounds of each case, unless it says otherwise. */
  readonly runs: number
  /** Who takes part, of those that are installed. */
  readonly contestants: readonly ContestantName[]
  /** Tells how far it is. */
  readonly tell: (line: string) => void
}

/** What came of a case. */
export interface Findings {
  readonly samples: readonly Sample[]
  readonly charts: readonly Chart[]
}

/** One case under way. */
export class Bench {
  readonly options: BenchOptions
  readonly workspace: Workspace
  readonly clients: Clients
  readonly samples: Sample[] = []
  readonly charts: Chart[] = []
  #starts = 0

  private constructor(options: BenchOptions, workspace: Workspace) {
    this.options = options
    this.workspace = workspace
    this.clients = Clients.start(workspace)
  }

  /** Runs `work` with everything it needs, and puts all away. */
  static async run(options: BenchOptions, work: (bench: Bench) => Promise<void>): Promise<Findings> {
    const workspace = await makeWorkspace()
    try {
      const bench = new Bench(options, workspace)
      await work(bench)
      return { samples: bench.samples, charts: bench.charts }
    } finally {
      await workspace.remove()
    }
  }

  /** `full` in the long form, `short` in the short one. */
  size<T>(full: T, short: T): T {
    return this.options.isShort ? short : full
  }

  /** Those of `names` that take part and are installed. */
  present(...names: ContestantName[]): Contestant[] {
    return contestants.filter(
      ({ name, executable }) =>
        names.includes(name) && this.options.contestants.includes(name) && executable() !== undefined,
    )
  }

  /** Starts one with an empty store, unless the options name another. */
  start(contestant: Contestant, options: ServerOptions): Promise<Server> {
    this.#starts += 1
    return contestant.start(this.workspace, this.#folderOf(contestant), options)
  }

  /** Folder of the server that was started last. */
  #folderOf({ name }: Contestant): string {
    return `${name}-${this.#starts}`
  }

  /** Measures one after the other, round after round, beginning with another one each time. */
  async rounds<T extends { readonly name: ContestantName }>(
    those: readonly T[],
    measure: (one: T, round: number) => Promise<void>,
    runs = this.options.runs,
  ): Promise<void> {
    for (let round = 0; round < runs; round += 1)
      for (let i = 0; i < those.length; i += 1) {
        const one = those[(i + round) % those.length] as T
        this.options.tell(`round ${round + 1} of ${runs}: ${one.name}`)
        await measure(one, round)
      }
  }

  /** Measures each in rounds, started anew with an empty store every time: for what is not cached yet. */
  coldRounds(
    names: readonly ContestantName[],
    options: ServerOptions,
    measure: (server: Server, round: number) => Promise<void>,
    runs = this.options.runs,
  ): Promise<void> {
    return this.rounds(
      this.present(...names),
      async (contestant, round) => {
        const server = await this.start(contestant, options)
        await measure(server, round)
        await server.stop()
        await this.workspace.empty(this.#folderOf(contestant))
      },
      runs,
    )
  }

  /** Takes a figure down. */
  note(metric: Metric, { name }: { readonly name: ContestantName }, round: number, value: number): void {
    this.samples.push({ metric, contestant: name, round, value })
  }
}

/** A case. */
export interface Case {
  /** For `--case`. */
  readonly name: string
  /** For the page. */
  readonly title: string
  /** The smallest form of the benchmark that it is part of; `growth` is a form of its own. */
  readonly form: 'short' | 'full' | 'growth'
  run(bench: Bench): Promise<void>
}
