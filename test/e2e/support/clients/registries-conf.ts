/** The configuration that podman and skopeo share, in their home folder: mirrors, and a policy that trusts any image. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The lines of `registries.conf` that make `location`, a path included where it has one, the mirror of `registry`. */
export const mirrorConf = (registry: string, location: string): string => `
[[registry]]
prefix = "${registry}"
location = "${registry}"
[[registry.mirror]]
location = "${location}"
insecure = true
`

/** Writes `registries.conf` and the policy, to be found by programs with `home` as their `HOME`. */
export const writeRegistriesConf = async (home: string, conf: string): Promise<void> => {
  const folder = join(home, '.config/containers')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'registries.conf'), conf)
  const policy = { default: [{ type: 'insecureAcceptAnything' }] }
  await writeFile(join(folder, 'policy.json'), JSON.stringify(policy))
}

/** Where a program with `home` as its `HOME` keeps logins: by default all of a user's programs share one file. */
export const authFileOf = (home: string): Record<string, string> => ({
  REGISTRY_AUTH_FILE: join(home, 'auth.json'),
})
