/** podman, CRI-O, skopeo, buildah: `[[registry]]` with `[[registry.mirror]]` in registries.conf and registries.conf.d. */
import type { TomlTable } from 'smol-toml'
import { type Client, type Files, qualify } from './client.ts'
import { type Finding, ok, problem, unmirrored, warning } from './finding.ts'
import { authorityOf, clientHostOf, isMirror, isTls, type Mirror, type MirroredRegistry } from './mirror.ts'
import { parseToml } from './toml.ts'
import { checkTrust } from './trust.ts'

const FILE = '/etc/containers/registries.conf'
const OWN_FILE = '/etc/containers/registries.conf.d/mirror.conf'
const CERTS = '/etc/containers/certs.d'

const locationOf = (mirror: Mirror, registry: MirroredRegistry): string =>
  `${authorityOf(mirror)}/${clientHostOf(registry)}`

const entry = (mirror: Mirror, registry: MirroredRegistry): string => {
  const host = clientHostOf(registry)
  return [
    '[[registry]]',
    `prefix = "${host}"`,
    `location = "${host}"`,
    '',
    '[[registry.mirror]]',
    `location = "${locationOf(mirror, registry)}"`,
    ...(isTls(mirror) ? [] : ['insecure = true']),
    '',
  ].join('\n')
}

const steps = (mirror: Mirror): string =>
  [
    ...(mirror.authority === undefined
      ? []
      : [
          `sudo mkdir -p ${CERTS}/${authorityOf(mirror)}`,
          `sudo cp ${mirror.authority.file} ${CERTS}/${authorityOf(mirror)}/ca.crt`,
          '',
        ]),
    `# ${OWN_FILE} (podman, skopeo, buildah: no restart; CRI-O: sudo systemctl reload crio)`,
    ...mirror.registries.map((each) => entry(mirror, each)),
  ].join('\n')

const check = (mirror: Mirror, files: Files, file: string): readonly Finding[] => {
  const folder = `${file}.d`
  const names = [
    file,
    ...[...files.list(folder)]
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => `${folder}/${name}`),
  ]
  const findings: Finding[] = []
  const entries: Entry[] = []
  for (const name of names) {
    const text = files.read(name)
    if (text === undefined) continue
    try {
      const document = parseToml(text)
      if (document.registries !== undefined)
        findings.push(
          problem(
            `${name} is of the old form ([registries.…]), which knows no mirrors`,
            'write it anew as [[registry]]',
          ),
        )
      entries.push(...tablesOf(document.registry).map((table) => ({ name, table })))
    } catch (error) {
      findings.push(problem(`${name} is not TOML`, `podman refuses it; ${(error as Error).message}`))
    }
  }
  const isInsecure = entries
    .flatMap(({ table }) => tablesOf(table.mirror))
    .some(({ location, insecure }) => insecure === true && isMirror(mirror, textOf(location)))
  return [
    ...findings,
    ...mirror.registries.map((each) => checkRegistry(mirror, entries, each)),
    ...checkTrust(
      isInsecure ? { ...mirror, authority: undefined } : mirror,
      files,
      [`${CERTS}/${authorityOf(mirror)}`],
      `sudo mkdir -p ${CERTS}/${authorityOf(mirror)} && sudo cp ${mirror.authority?.file} ${CERTS}/${authorityOf(mirror)}/ca.crt`,
    ),
  ]
}

/** A `[[registry]]`, and the file that it stands in. */
interface Entry {
  readonly name: string
  readonly table: TomlTable
}

const tablesOf = (value: unknown): readonly TomlTable[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'object') : []

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const checkRegistry = (mirror: Mirror, entries: readonly Entry[], registry: MirroredRegistry): Finding => {
  const host = clientHostOf(registry)
  // Of two for one registry the one that was read last counts.
  const found = entries.findLast(({ table }) => (textOf(table.prefix) || textOf(table.location)) === host)
  const write = `write into ${OWN_FILE} what entrepot doctor podman prints`
  if (found === undefined)
    return unmirrored(registry.isDefault)(
      `registries.conf says nothing of ${host}, so podman pulls from there itself`,
      write,
    )
  const { name, table } = found
  const mirrors = tablesOf(table.mirror)
  const index = mirrors.findIndex(({ location }) => isMirror(mirror, textOf(location)))
  const entry = mirrors[index]
  if (entry === undefined)
    return problem(
      `no mirror of ${host} in ${name} is known to be this server: ${mirrors.map(({ location }) => textOf(location)).join(', ') || 'none'}`,
      `${write}; if one of them leads here all the same, say it as --address`,
    )
  const location = textOf(entry.location)
  const path = location.replace(/^[^/]*\/?/, '').replace(/\/$/, '')
  if (path === '' && !registry.isDefault)
    return problem(
      `${location} in ${name} stands for the default upstream, not for ${host}`,
      `write location = "${locationOf(mirror, registry)}"`,
    )
  if (path !== '' && ![registry.name, ...registry.hosts].includes(path))
    return problem(
      `${location} in ${name} is none of the upstreams of this server`,
      `write location = "${locationOf(mirror, registry)}"`,
    )
  if (!isTls(mirror) && entry.insecure !== true)
    return problem(
      `${location} in ${name} lacks insecure = true, and this server speaks plain HTTP`,
      `add it; now podman goes to ${host} without a word`,
    )
  if (textOf(entry['pull-from-mirror']) === 'digest-only' || table['mirror-by-digest-only'] === true)
    return warning(
      `${location} in ${name} is asked for digests only`,
      'remove pull-from-mirror and mirror-by-digest-only: tags are pulled from the registry itself',
    )
  if (index > 0)
    return warning(`${location} is mirror ${index + 1} in ${name}`, 'those before it are asked first')
  return ok(`${name} names ${location} as the mirror of ${host}`)
}

/** podman and its relatives. */
export const PODMAN: Client = {
  name: 'podman',
  aliases: ['cri-o', 'crio', 'skopeo', 'buildah'],
  program: 'podman',
  file: FILE,
  steps,
  check,
  pull: (reference) => ['podman', 'pull', qualify(reference)],
}
