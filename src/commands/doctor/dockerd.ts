/** dockerd: `registry-mirrors` in daemon.json, for Docker Hub alone. */
import { type Client, type Files, qualify } from './client.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { authorityOf, clientHostOf, isHub, isMirror, isTls, type Mirror } from './mirror.ts'
import { checkTrust } from './trust.ts'

const FILE = '/etc/docker/daemon.json'
const RESTART = 'sudo systemctl restart docker'

const mirrorsLine = ({ url }: Mirror): string => `"registry-mirrors": ["${url}"]`

const steps = (mirror: Mirror): string => {
  const host = authorityOf(mirror)
  const others = mirror.registries.filter(({ hosts }) => !hosts.includes('docker.io'))
  return [
    `# ${FILE} (beside what is in it already), then: ${RESTART}`,
    `{ ${mirrorsLine(mirror)} }`,
    ...(mirror.authority === undefined
      ? []
      : [
          '',
          '# the authority: the first for docker pull from the mirror by its name, the second where the containerd image store is on',
          ...[host, 'docker.io'].flatMap((folder) => [
            `sudo mkdir -p /etc/docker/certs.d/${folder}`,
            `sudo cp ${mirror.authority?.file} /etc/docker/certs.d/${folder}/ca.crt`,
          ]),
        ]),
    '',
    '# dockerd mirrors Docker Hub only; other registries by name:',
    ...(others.length === 0 ? ['#   none is configured under upstreams'] : []),
    ...others.map((each) => `#   docker pull ${host}/${clientHostOf(each)}/…`),
    ...(isTls(mirror) || /^(127\.|localhost)/.test(host)
      ? []
      : [`#   which, by plain HTTP, needs "insecure-registries": ["${host}"] as well`]),
    '',
  ].join('\n')
}

const check = (mirror: Mirror, files: Files, file: string): readonly Finding[] => {
  const text = files.read(file)
  const add = `write { ${mirrorsLine(mirror)} } into it, then ${RESTART}`
  if (text === undefined)
    return [problem(`there is no ${file}, so dockerd pulls from Docker Hub itself`, add)]
  let config: { readonly 'registry-mirrors'?: unknown; readonly 'insecure-registries'?: unknown }
  try {
    config = JSON.parse(text)
  } catch (error) {
    return [problem(`${file} is not JSON`, `dockerd does not start with it; ${(error as Error).message}`)]
  }
  const mirrors = config['registry-mirrors']
  if (mirrors === undefined) return [problem(`${file} has no registry-mirrors`, add)]
  if (!Array.isArray(mirrors) || !mirrors.every((each) => typeof each === 'string'))
    return [problem(`registry-mirrors in ${file} is no list of texts`, add)]
  const insecure = config['insecure-registries']
  const isInsecure = Array.isArray(insecure) && insecure.includes(authorityOf(mirror))
  const folder = file.replace(/[^/]*$/, 'certs.d')
  return [
    ...mirrors.flatMap((each) => checkSpelling(each)),
    ...checkMirrors(mirror, mirrors, file),
    ...(isHub(mirror)
      ? []
      : [
          warning(
            'the default upstream of this server is not Docker Hub, but dockerd takes it for that',
            'set proxy.remoteurl to https://registry-1.docker.io, or pull by the name of this server',
          ),
        ]),
    ...checkTrust(
      isInsecure ? { ...mirror, authority: undefined } : mirror,
      files,
      [`${folder}/${authorityOf(mirror)}`, `${folder}/docker.io`],
      `sudo mkdir -p ${folder}/${authorityOf(mirror)} && sudo cp ${mirror.authority?.file} ${folder}/${authorityOf(mirror)}/ca.crt (and the same for docker.io)`,
    ),
  ]
}

/** What dockerd does not start with. */
const checkSpelling = (url: string): readonly Finding[] => {
  const wrong = !/^https?:\/\//.test(url)
    ? 'begins with neither http:// nor https://'
    : /^https?:\/\/[^/]*@/.test(url)
      ? 'has a password in it'
      : /^https?:\/\/[^/?#]+\/?$/.test(url)
        ? undefined
        : 'has more than a host and a port'
  return wrong === undefined ? [] : [problem(`the mirror ${url} ${wrong}`, 'dockerd does not start with it')]
}

/** Whether this server is among the mirrors, as it should be written, before all others. */
const checkMirrors = (mirror: Mirror, mirrors: readonly string[], file: string): readonly Finding[] => {
  const index = mirrors.findIndex((each) => isMirror(mirror, each))
  const found = mirrors[index]
  if (found === undefined)
    return [
      problem(
        `none of the mirrors in ${file} is known to be this server: ${mirrors.join(', ') || 'none'}`,
        `put ${mirror.url} there, then ${RESTART}; if one of them leads here all the same, say it as --address`,
      ),
    ]
  if (found.startsWith('https:') !== isTls(mirror))
    return [
      problem(
        `${file} says ${found}, but this server speaks ${isTls(mirror) ? 'TLS' : 'plain HTTP'}`,
        `write ${mirror.url}; now dockerd goes to Docker Hub without a word`,
      ),
    ]
  if (index > 0)
    return [warning(`${found} is mirror ${index + 1} in ${file}`, 'those before it are asked first')]
  return [ok(`${file} names ${found} as the mirror of Docker Hub`)]
}

/** dockerd. */
export const DOCKERD: Client = {
  name: 'dockerd',
  aliases: ['docker', 'moby'],
  program: 'docker',
  file: FILE,
  steps,
  check,
  pull: (reference) => [
    'docker',
    'pull',
    reference.startsWith('docker.io/') ? qualify(reference) : reference,
  ],
}
