/** containerd (Kubernetes, nerdctl, k3s): a `hosts.toml` for each registry below `config_path`. */
import type { TomlTable, TomlValue } from 'smol-toml'
import { type Client, type Files, qualify } from './client.ts'
import { type Finding, ok, problem, unmirrored, warning } from './finding.ts'
import { authorityOf, clientHostOf, isMirror, isTls, type Mirror, type MirroredRegistry } from './mirror.ts'
import { parseToml } from './toml.ts'
import { checkTrust } from './trust.ts'

const FOLDER = '/etc/containerd/certs.d'
const MAIN_FILE = '/etc/containerd/config.toml'
const HUB_URL = 'https://registry-1.docker.io'

/** Plugins that pull for Kubernetes, of containerd 1 and 2. */
const PLUGINS = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images']

const tableOf = (value: TomlValue | undefined): TomlTable =>
  typeof value === 'object' && !Array.isArray(value) ? (value as TomlTable) : {}

const hostsToml = (mirror: Mirror, host: string): string =>
  [
    `server = "${host === 'docker.io' ? HUB_URL : `https://${host}`}"`,
    '',
    `[host."${mirror.url}"]`,
    '  capabilities = ["pull", "resolve"]',
    ...(mirror.authority === undefined ? [] : [`  ca = "${FOLDER}/${authorityOf(mirror)}/ca.crt"`]),
    '',
  ].join('\n')

const steps = (mirror: Mirror): string => {
  const host = authorityOf(mirror)
  return [
    `# ${MAIN_FILE}, where it is not so already (version 2; in containerd 2 the plugin is "io.containerd.cri.v1.images"):`,
    '#   [plugins."io.containerd.grpc.v1.cri".registry]',
    `#     config_path = "${FOLDER}"`,
    '',
    ...(mirror.authority === undefined
      ? []
      : [`sudo mkdir -p ${FOLDER}/${host}`, `sudo cp ${mirror.authority.file} ${FOLDER}/${host}/ca.crt`, '']),
    ...mirror.registries
      .map(clientHostOf)
      .flatMap((each) => [`# ${FOLDER}/${each}/hosts.toml (no restart)`, hostsToml(mirror, each)]),
  ].join('\n')
}

const check = (mirror: Mirror, files: Files, folder: string): readonly Finding[] => [
  ...checkMain(files, folder),
  ...mirror.registries.flatMap((each) => checkRegistry(mirror, files, folder, each)),
]

/** Whether Kubernetes' part of containerd looks into the folder. ctr and nerdctl look there (or where they are told) anyway. */
const checkMain = (files: Files, folder: string): readonly Finding[] => {
  const text = files.read(MAIN_FILE)
  if (text === undefined) return []
  const remedy = `set config_path = "${folder}" there and restart containerd; crictl and Kubernetes go to the registries themselves`
  try {
    const plugins = tableOf(parseToml(text).plugins)
    const registries = PLUGINS.map((each) => tableOf(tableOf(plugins[each]).registry))
    const paths = registries.flatMap(({ config_path }) =>
      typeof config_path === 'string' ? [config_path] : [],
    )
    if (registries.some(({ mirrors }) => mirrors !== undefined))
      return [
        problem(
          `${MAIN_FILE} has registry.mirrors, beside which config_path counts for nothing`,
          'remove registry.mirrors there, and restart containerd',
        ),
      ]
    if (paths.some((each) => each.split(':').includes(folder)))
      return [ok(`${MAIN_FILE} looks into ${folder}`)]
    return [
      warning(
        paths.length === 0
          ? `${MAIN_FILE} has no config_path`
          : `${MAIN_FILE} looks into ${paths.join(', ')}, not into ${folder}`,
        remedy,
      ),
    ]
  } catch (error) {
    return [problem(`${MAIN_FILE} is not TOML`, (error as Error).message)]
  }
}

const checkRegistry = (
  mirror: Mirror,
  files: Files,
  folder: string,
  registry: MirroredRegistry,
): readonly Finding[] => {
  const host = clientHostOf(registry)
  const candidates = [host, '_default'].map((each) => `${folder}/${each}/hosts.toml`)
  const file = candidates.find((each) => files.read(each) !== undefined)
  if (file === undefined)
    return [
      unmirrored(registry.isDefault)(
        `there is no ${candidates[0]}, so containerd pulls from ${host} itself`,
        'entrepot doctor containerd prints it',
      ),
    ]
  try {
    const document = parseToml(files.read(file) ?? '')
    return checkHosts(mirror, files, file, document)
  } catch (error) {
    return [problem(`${file} is not TOML`, `containerd refuses it; ${(error as Error).message}`)]
  }
}

const checkHosts = (mirror: Mirror, files: Files, file: string, document: TomlTable): readonly Finding[] => {
  const hosts = Object.entries(tableOf(document.host))
  const index = hosts.findIndex(([url]) => isMirror(mirror, url))
  const [url, value] = hosts[index] ?? []
  if (url === undefined)
    return [
      problem(
        `no host in ${file} is known to be this server: ${hosts.map(([each]) => each).join(', ') || 'none'}`,
        `add [host."${mirror.url}"]; if one of them leads here all the same, say it as --address`,
      ),
    ]
  const settings = tableOf(value)
  const { capabilities } = settings
  const lacking = ['pull', 'resolve'].filter(
    (each) => Array.isArray(capabilities) && !capabilities.includes(each),
  )
  const isPlain = url.startsWith('http:')
  return [
    ...(isPlain === isTls(mirror)
      ? [
          problem(
            `${file} says ${url}, but this server speaks ${isPlain ? 'TLS' : 'plain HTTP'}`,
            `write ${mirror.url}; now containerd goes to the registry itself`,
          ),
        ]
      : lacking.length > 0
        ? [
            problem(
              `${url} in ${file} may not ${lacking.join(' and ')}`,
              'write capabilities = ["pull", "resolve"]; without resolve tags are asked of the registry itself',
            ),
          ]
        : index > 0
          ? [warning(`${url} is host ${index + 1} in ${file}`, 'those before it are asked first')]
          : [ok(`${file} names ${url}`)]),
    ...(settings.override_path === true
      ? [problem(`${url} in ${file} has override_path`, 'remove it: /v2 is missing in what is asked then')]
      : []),
    ...(settings.skip_verify === true || settings.ca !== undefined
      ? []
      : checkTrust(mirror, files, [], `add ca = "…/ca.crt" below [host."${url}"]`)),
  ]
}

/** containerd. */
export const CONTAINERD: Client = {
  name: 'containerd',
  aliases: ['ctr', 'nerdctl', 'k8s', 'kubernetes', 'k3s'],
  program: 'ctr',
  file: FOLDER,
  steps,
  check,
  pull: (reference) => ['ctr', 'images', 'pull', '--hosts-dir', FOLDER, qualify(reference)],
}
