/** `entrepot doctor [CLIENT]`: how clients are set up for this server, what is wrong with it, and whether pulls come by here. */
import { loadConfig } from '../config/load.ts'
import { withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import { type AddCommand, UsageError } from './command.ts'
import { BUILDKIT } from './doctor/buildkit.ts'
import { checkRegistry } from './doctor/check-registry.ts'
import type { Client } from './doctor/client.ts'
import { CONTAINERD } from './doctor/containerd.ts'
import { DOCKERD } from './doctor/dockerd.ts'
import { examine } from './doctor/examine.ts'
import { findMirror } from './doctor/find-mirror.ts'
import type { Mirror } from './doctor/mirror.ts'
import { PODMAN } from './doctor/podman.ts'
import { Report, type Setup } from './doctor/report.ts'
import { isInstalled } from './doctor/run-program.ts'
import { parsePull, type TestPull } from './doctor/test-pull.ts'

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
      const report = new Report(options.json === true, client && setupOf(client, mirror))
      report.add(...(await checkRegistry(mirror, Date.now)))
      // With no configuration here the server is elsewhere, and its debug listener not for everybody.
      const isElsewhere = loaded.file === undefined && options.server === undefined
      await withClient(options, (admin) =>
        examine(admin, { mirror, clients: CLIENTS, client, pull, options, isElsewhere, report }),
      )
      report.end()
    })
}

const setupOf = (client: Client, mirror: Mirror): Setup => ({
  name: client.name,
  text:
    mirror.registries.length > 0
      ? client.steps(mirror)
      : '# this server mirrors nothing; clients pull from it by its name: entrepot certs client\n',
})

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
