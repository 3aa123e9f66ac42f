/** BuildKit's own daemon: `[registry."…"]` in buildkitd.toml. The BuildKit inside dockerd goes by daemon.json. */
import type { TomlTable, TomlValue } from 'smol-toml'
import type { Client, Files } from './client.ts'
import { type Finding, ok, problem, unmirrored } from './finding.ts'
import { authorityOf, clientHostOf, isMirror, isTls, type Mirror } from './mirror.ts'
import { parseToml } from './toml.ts'

const FILE = '/etc/buildkit/buildkitd.toml'
const CA_FILE = '/etc/buildkit/mirror-ca.crt'

const steps = (mirror: Mirror): string => {
  const host = authorityOf(mirror)
  const how = !isTls(mirror)
    ? ['  http = true']
    : mirror.authority === undefined
      ? undefined
      : [`  ca = ["${CA_FILE}"]`]
  return [
    ...(mirror.authority === undefined ? [] : [`sudo cp ${mirror.authority.file} ${CA_FILE}`, '']),
    `# ${FILE}, then restart buildkitd (buildx: docker buildx create --config ${FILE} --use)`,
    ...mirror.registries.flatMap((each) => [
      `[registry."${clientHostOf(each)}"]`,
      `  mirrors = ["${host}"]`,
      '',
    ]),
    ...(how === undefined ? [] : [`[registry."${host}"]`, ...how, '']),
  ].join('\n')
}

const tableOf = (value: TomlValue | undefined): TomlTable =>
  typeof value === 'object' && !Array.isArray(value) ? (value as TomlTable) : {}

const check = (mirror: Mirror, files: Files, file: string): readonly Finding[] => {
  const text = files.read(file)
  const print = 'write what entrepot doctor buildkit prints, and restart buildkitd'
  if (text === undefined) return [problem(`there is no ${file}`, print)]
  let registries: TomlTable
  try {
    registries = tableOf(parseToml(text).registry)
  } catch (error) {
    return [problem(`${file} is not TOML`, `buildkitd does not start with it; ${(error as Error).message}`)]
  }
  return mirror.registries.map((registry) => {
    const host = clientHostOf(registry)
    const { mirrors } = tableOf(registries[host])
    const found = Array.isArray(mirrors)
      ? mirrors.find((each) => typeof each === 'string' && isMirror(mirror, each))
      : undefined
    if (typeof found !== 'string')
      return unmirrored(registry.isDefault)(`${file} does not name this server as a mirror of ${host}`, print)
    const settings = tableOf(registries[found.replace(/\/.*$/, '')])
    if (!isTls(mirror) && settings.http !== true)
      return problem(
        `${file} does not say that ${found} speaks plain HTTP`,
        `add [registry."${found}"] http = true`,
      )
    if (mirror.authority !== undefined && settings.ca === undefined && settings.insecure !== true)
      return problem(`${file} names no ca for ${found}`, `add [registry."${found}"] ca = ["${CA_FILE}"]`)
    return ok(`${file} names ${found} as a mirror of ${host}`)
  })
}

/** buildkitd. */
export const BUILDKIT: Client = {
  name: 'buildkit',
  aliases: ['buildkitd', 'buildx'],
  program: 'buildkitd',
  file: FILE,
  steps,
  check,
  pull: () => undefined,
}
