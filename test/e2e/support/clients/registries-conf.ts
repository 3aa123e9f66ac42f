/** The configuration that podman and skopeo share, in their home folder: mirrors, and a policy that trusts any image. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Registry of a name → location of its mirror, a path included where it has one. */
export type Mirrors = Readonly<Record<string, string>>

const section = (registry: string, location: string): string => `
[[registry]]
prefix = "${registry}"
location = "${registry}"
[[registry.mirror]]
location = "${location}"
insecure = true
`

/** Writes both files, to be found by programs with `home` as their `HOME`. */
export const writeRegistriesConf = async (home: string, mirrors: Mirrors): Promise<void> => {
  const folder = join(home, '.config/containers')
  await mkdir(folder, { recursive: true })
  const sections = Object.entries(mirrors).map(([registry, location]) => section(registry, location))
  await writeFile(join(folder, 'registries.conf'), `unqualified-search-registries = []\n${sections.join('')}`)
  const policy = { default: [{ type: 'insecureAcceptAnything' }] }
  await writeFile(join(folder, 'policy.json'), JSON.stringify(policy))
}
