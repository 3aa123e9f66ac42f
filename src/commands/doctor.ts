/** `entrepot doctor [CLIENT]`: how clients are set up for this server, what is wrong with it, and whether pulls come by here. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../config/load.ts'
import type { StatusAnswer, UpstreamsAnswer } from './admin-answers.ts'
import { type AdminClient, NoServerError, withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { type AddCommand, CommandError, UsageError } from './command.ts'
import { BUILDKIT } from './doctor/buildkit.ts'
import { checkRegistry } from './doctor/check-registry.ts'
import { checkDisk, checkUpstreams } from './doctor/check-server.ts'
import type { Client, Files } from './doctor/client.ts'
import { CONTAINERD } from './doctor/containerd.ts'
import { DOCKERD } from './doctor/dockerd.ts'
import { findMirror } from './doctor/find-mirror.ts'
import { type Finding, formatFinding, ok, problem, warning } from './doctor/finding.ts'
import type { Mirror } from './doctor/mirror.ts'
import { PODMAN } from './doctor/podman.ts'
import { isInstalled } from './doctor/run-program.ts'
import { checkRunningDockerd } from './doctor/running-dockerd.ts'
import { parsePull, type TestPull, testPull, watchPull } from './doctor/test-pull.ts'
import { print, printJson } from './print.ts'

interface DoctorOptions extends AdminOptions {
  readonly address?: string
  readonly ca?: string
  readonly root: string
  readonly file?: string
  readonly pull?: string
  readonly test?: string
  readonly watch?: string
}

const CLIENTS: readonly Client[] = [DOCKERD, CONTAINERD, PODMAN, BUILDKIT]

/** Adds `doctor`. */
export const addDoctor: AddCommand = (program) => {
  withServer(program.command('doctor'))
    .argument('[client]', `${CLIENTS.map(({ name }) => name).join(', ')}: print its set-up, and check it`)
    .option('--address <url>', 'how clients reach the registry; default: http.host, or what can be found out')
    .option('--ca <file>', 'certificate of the authority that signed that of the registry')
    .option('--root <folder>', 'where the files of the client’s host are', '/')
    .option('--file <path>', 'the client’s file, if it is not where it usually is')
    .option('--pull <reference>', 'have the client pull, and tell whether that came through the registry')
    .option('--test <command>', 'the same with a command of one’s own: "docker pull alpine:3"')
    .option('--watch <reference>', 'the same while somebody pulls on another host')
    .description('check the set-up of the registry and of its clients; fails where there is a problem')
    .action(async (name: string | undefined, options: DoctorOptions) => {
      const client = name === undefined ? undefined : findClient(name)
      if (client === undefined && options.file !== undefined) throw new UsageError('--file of which client?')
      const pull = pullOf(client, options)
      const loaded = loadConfig({ file: options.config, env: process.env })
      const mirror = findMirror(loaded, options)
      const report = new Report(
        options.json === true,
        client && { name: client.name, text: client.steps(mirror) },
      )
      report.add(...(await checkRegistry(mirror, Date.now)))
      // With no configuration here the server is elsewhere, and its debug listener not for everybody.
      const isElsewhere = loaded.file === undefined && options.server === undefined
      await withClient(options, (admin) =>
        examine(admin, { mirror, client, pull, options, isElsewhere, report }),
      )
      report.end()
    })
}

const findClient = (name: string): Client => {
  const client = CLIENTS.find((each) => each.name === name || each.aliases.includes(name))
  if (client !== undefined) return client
  throw new UsageError(`${name} is none of ${CLIENTS.map((each) => each.name).join(', ')}`)
}

const pullOf = (client: Client | undefined, { pull, test }: DoctorOptions): TestPull | undefined => {
  if (test !== undefined) return parsePull(test)
  if (pull === undefined) return undefined
  const puller = client ?? CLIENTS.find((each) => isInstalled(each.program) && each.pull(pull))
  const command = puller?.pull(pull)
  if (command === undefined) throw new UsageError('--pull by which client? Say one that pulls, or --test')
  return { text: command.join(' '), command, reference: pull }
}

/** What is found, told as it is found. */
class Report {
  readonly #isJson: boolean
  readonly #setup: { readonly name: string; readonly text: string } | undefined
  readonly #findings: Finding[] = []

  constructor(isJson: boolean, setup: { readonly name: string; readonly text: string } | undefined) {
    this.#isJson = isJson
    this.#setup = setup
    if (!isJson && setup !== undefined) print(`${setup.text}\n`)
  }

  add(...findings: readonly Finding[]): void {
    this.#findings.push(...findings)
    if (!this.#isJson) for (const each of findings) print(formatFinding(each))
  }

  end(): void {
    if (this.#isJson) printJson({ findings: this.#findings, ...(this.#setup && { setup: this.#setup }) })
    if (this.#findings.some(({ level }) => level === 'problem')) process.exitCode = 1
  }
}

interface Examination {
  readonly mirror: Mirror
  readonly client: Client | undefined
  readonly pull: TestPull | undefined
  readonly options: DoctorOptions
  readonly isElsewhere: boolean
  readonly report: Report
}

const examine = async (admin: AdminClient, examination: Examination): Promise<void> => {
  const { mirror, client, pull, options, isElsewhere, report } = examination
  const isReached = await checkServer(admin, isElsewhere, report)
  const files = readFilesBelow(options.root)
  const clients = client === undefined ? CLIENTS.filter((each) => isHere(each, files, options)) : [client]
  if (clients.length === 0)
    report.add(warning('no client is set up on this host', 'name one: entrepot doctor dockerd'))
  for (const each of clients) {
    report.add(...each.check(mirror, files, options.file ?? each.file))
    if (each === DOCKERD && options.root === '/' && isInstalled('docker'))
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

const isHere = (client: Client, files: Files, { root }: DoctorOptions): boolean =>
  (root === '/' && isInstalled(client.program)) ||
  files.read(client.file) !== undefined ||
  files.list(client.file).length > 0
