/** Names of registries' hosts. */

/** Every spelling of Docker Hub's host. */
const DOCKER_HUB_HOSTS = ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']

/** One spelling for all of Docker Hub's hosts, `docker.io`; other hosts in lower case. */
export const foldHost = (host: string): string => {
  const lower = host.toLowerCase()
  return DOCKER_HUB_HOSTS.includes(lower) ? 'docker.io' : lower
}
