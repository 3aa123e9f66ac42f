/** The examination: server, clients of this host, and a pull if one is wanted. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StatusAnswer, UpstreamsAnswer } from '../admin-answers.ts'
import { type AdminClient, NoServerError } from '../admin-client.ts'
import { CommandError } from '../command.ts'
import { checkDisk, checkUpstreams } from './check-server.ts'
import type { Client, Files } from './client.ts'
import { ok, problem, warning } from './finding.ts'
import type { Mirror } from './mirror.ts'
import type { Report } from './report.ts'
import { isInstalled } from './run-program.ts'
import { checkRunningDockerd } from './running-dockerd.ts'
import { type TestPull, testPull, watchPull } from './test-pull.ts'

/** What was said on the command line. */
export interface ExamineOptions {
  /** Where the files of the client's host are. */
  readonly root: string
  /** The client's file, if it is not where it usually is. */
  readonly file?: string
  /** A reference that somebody pulls on another host. */
  readonly watch?: string
}

/** Where to look, and at what. */
export interface Examination {
  readonly clients: readonly Client[]
  readonly mirror: Mirror
  readonly client: Client | undefined
  readonly pull: TestPull | undefined
  readonly options: ExamineOptions
  readonly isElsewhere: boolean
  readonly report: Report
}

/** Looks at everything, in the order in which a pull meets it. */
export const examine = async (admin: AdminClient, examination: Examination): Promise<void> => {
  const { mirror, clients: all, client, pull, options, isElsewhere, report } = examination
  const isReached = await checkServer(admin, isElsewhere, report)
  const files = readFilesBelow(options.root)
  const isMirror = mirror.registries.length > 0
  const here = client === undefined ? all.filter((each) => isHere(each, files, options)) : [client]
  const clients = isMirror ? here : []
  if (here.length === 0 && isMirror)
    report.add(warning('no client is set up on this host', 'name one: entrepot doctor dockerd'))
  for (const each of clients) {
    report.add(...each.check(mirror, files, options.file ?? each.file))
    if (each.name === 'dockerd' && options.root === '/' && isInstalled('docker'))
      report.add(await checkRunningDockerd(mirror))
  }
  if (!isReached) {
    if (pull || options.watch)
      report.add(problem('no test pull: the server cannot be asked what it saw', 'say --server'))
    return
  }
  if (pull !== undefined) report.add(...(await testPull(admin, mirror, pull)))
  if (options.watch !== undefined) {
    process.stderr.write(`pull ${options.watch} on the client now\n`)
    report.add(await watchPull(admin, mirror, options.watch))
  }
}

/** What the server tells of itself. @returns whether it could be asked */
const checkServer = async (admin: AdminClient, isElsewhere: boolean, report: Report): Promise<boolean> => {
  try {
    const status = await admin.get<StatusAnswer>('/status')
    report.add(ok(`the admin API answers at ${admin.url} (entrepot ${status.version})`), checkDisk(status))
    report.add(...checkUpstreams(await admin.get<UpstreamsAnswer>('/upstreams'), Date.now()))
    return true
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    if (!(error instanceof NoServerError)) {
      report.add(warning(error.message, 'without that nothing is known of upstreams'))
      return true
    }
    const remedy = 'upstreams, disk and pulls are not looked at'
    report.add(isElsewhere ? warning(error.message, remedy) : problem(error.message, remedy))
    return false
  }
}

const readFilesBelow = (root: string): Files => ({
  read: (path) => ifThere(() => readFileSync(join(root, path), 'utf8')),
  list: (path) => ifThere(() => readdirSync(join(root, path))) ?? [],
})

const ifThere = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw error
  }
}

const isHere = (client: Client, files: Files, { root }: ExamineOptions): boolean =>
  (root === '/' && isInstalled(client.program)) ||
  files.read(client.file) !== undefined ||
  files.list(client.file).length > 0
