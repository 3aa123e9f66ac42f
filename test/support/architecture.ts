/**
 * Rules of who may import whom, checked on the graph of imports (types included) by dependency-cruiser. The tables
 * themselves are in `test/architecture.test.ts`.
 */
import {
  cruise,
  type ICruiseResult,
  type IForbiddenRuleType,
  type IRegularForbiddenRuleType,
  type IViolation,
} from 'dependency-cruiser'

/** Names of folders or files of `src`. */
type Names = readonly string[]

/** What a source may import. Folders and files are named by their path below `src`. */
export interface Architecture {
  /** They wire everything together, and so may import everything; nobody else may import them. */
  readonly top: Names
  /** What every folder may import; they themselves import nothing of ours. */
  readonly free: Names
  /** Folder (or file without its ending) → what it may import besides itself and what is free. */
  readonly mayImport: Readonly<Record<string, Names>>
  /** Files without their ending that `mayKnowPorts` may import by `import type`. */
  readonly ports: Names
  readonly mayKnowPorts: Names
  /** Files among them that may import the ports' error classes, too. */
  readonly mayKnowErrors: Names
  /** Package → the beginnings of the paths that may import it. */
  readonly homes: Readonly<Record<string, Names>>
  /** The beginnings of the paths that may import `node:fs`. */
  readonly files: Names
  /** Folder that may import no package → the modules of Node that it may import. */
  readonly pure: Readonly<Record<string, Names>>
}

/** An expression for the folders or files of these names. */
const places = (names: Names): string => `^src/(${names.join('|')})(/|[.]ts$)`

/** An expression for paths that begin so. */
const paths = (beginnings: Names): string => `^src/(${beginnings.join('|')})`

type Edge = Pick<IRegularForbiddenRuleType, 'from' | 'to'>

/** A rule whose name is the end of the message about whatever breaks it. */
const forbid = (name: string, edge: Edge): IForbiddenRuleType => ({ name, severity: 'error', ...edge })

const folderRule = (architecture: Architecture, folder: string, others: Names): IForbiddenRuleType => {
  const { free, mayKnowPorts, ports } = architecture
  const allowed = free.includes(folder) ? others : [...others, ...free]
  const known = mayKnowPorts.includes(folder) ? [paths(ports)] : []
  return forbid(`${folder} may import ${allowed.join(', ') || 'nothing of ours'}`, {
    from: { path: places([folder]) },
    to: { path: '^src/', pathNot: [places([folder, ...allowed]), ...known] },
  })
}

const homeRule = (name: string, homes: Names): IForbiddenRuleType =>
  forbid(`${name} is at home in ${homes.join(', ')}`, {
    from: { path: '^src/', pathNot: paths(homes) },
    to: { path: `(^|node_modules/(@types/)?)${name}(/|$)` },
  })

const pureRule = (folder: string, modules: Names): IForbiddenRuleType =>
  forbid(`${folder} is pure: no package, and of Node only ${modules.join(', ')}`, {
    from: { path: places([folder]) },
    to: { pathNot: ['^src/', ...modules.map((module) => `^${module.replace('node:', '(node:)?')}$`)] },
  })

const toRules = (architecture: Architecture): IForbiddenRuleType[] => [
  ...Object.entries(architecture.mayImport).map(([folder, others]) =>
    folderRule(architecture, folder, others),
  ),
  ...Object.entries(architecture.homes).map(([name, homes]) => homeRule(name, homes)),
  ...Object.entries(architecture.pure).map(([folder, modules]) => pureRule(folder, modules)),
  forbid(`node:fs is at home in ${architecture.files.join(', ')}`, {
    from: { path: '^src/', pathNot: paths(architecture.files) },
    to: { path: '^(node:)?fs(/promises)?$' },
  }),
  forbid('there a port may be imported as a type only', {
    from: { path: places(architecture.mayKnowPorts), pathNot: places(architecture.mayKnowErrors) },
    to: { path: paths(architecture.ports), dependencyTypesNot: ['type-only'] },
  }),
  forbid('no file may import itself, whatever the way', { from: {}, to: { circular: true } }),
]

const describe = ({ from, to, cycle, rule }: IViolation): string => {
  const way = cycle === undefined || cycle.length === 0 ? [to] : cycle.map(({ name }) => name)
  return `${from} imports ${way.join(', which imports ')}: ${rule.name}`
}

/** What of the folder `src` of `project` breaks the rules, one sentence each. */
export const findViolations = async (project: string, architecture: Architecture): Promise<string[]> => {
  const { output } = await cruise(['src'], {
    baseDir: project,
    ruleSet: { forbidden: toRules(architecture) },
    validate: true,
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  })
  const { modules, summary } = output as ICruiseResult
  const known = new RegExp(places([...architecture.top, ...Object.keys(architecture.mayImport)]))
  const strangers = modules.filter(({ source }) => source.startsWith('src/') && !known.test(source))
  return [
    ...summary.violations.map(describe),
    ...strangers.map(({ source }) => `${source} has no place in the table of who may import whom`),
  ]
}
