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

/** Writes `registries.conf`, the policy and an empty file of logins, to be found by programs with `home` as their `HOME`. */
export const writeRegistriesConf = async (home: string, conf: string): Promise<void> => {
  const folder = join(home, '.config/containers')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'registries.conf'), conf)
  const policy = { default: [{ type: 'insecureAcceptAnything' }] }
  await writeFile(join(folder, 'policy.json'), JSON.stringify(policy))
  await writeFile(authFileOf(home), '{}')
}

const authFileOf = (home: string): string => join(home, 'auth.json')

/** What makes them keep logins there, too: by default all of a user's programs share one file. */
export const authEnvironment = (home: string): Record<string, string> => ({
  REGISTRY_AUTH_FILE: authFileOf(home),
})
