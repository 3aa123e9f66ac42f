/**
 * One entrepot, one address, as config/mirror-and-private.yml says: who has no password pulls through it, who has one
 * pushes to it. The engines are not modified, and there is no way out to Docker Hub.
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { ALICE, writeHtpasswd } from './support/accounts.ts'
import { type Shipped, type ShippedIndex, shipIndex, shipOfficial, shipPlain } from './support/cargo.ts'
import { type Containerd, hostsToml, startContainerd } from './support/clients/containerd.ts'
import { clientEnvironment, type Dockerd, daemonJson, startDockerd } from './support/clients/dockerd.ts'
import { type Podman, preparePodman } from './support/clients/podman.ts'
import { mirrorConf } from './support/clients/registries-conf.ts'
import { type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { ACCOUNT } from './support/upstream/token-service.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout(
  ...['dockerd', 'docker', 'containerd', 'ctr', 'podman', 'docker-registry', 'openssl', 'htpasswd'],
)

const CONFIG = new URL('../../config/mirror-and-private.yml', import.meta.url)
const DOCKER_HUB = 'https://index.docker.io/v1/'

/** What of the ready configuration does not depend on the machine. */
const readySections = async (htpasswdFile: string): Promise<Record<string, unknown>> => {
  const ready = parse(await readFile(CONFIG, 'utf8')) as Record<string, Record<string, object>>
  const { auth, access, local } = ready
  return { access, local, auth: { ...auth, htpasswd: { ...auth?.htpasswd, path: htpasswdFile } } }
}

describe('a mirror and a private registry on one address', { skip, timeout: 240_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let office: Workspace
  /** Has entrepot in its `registry-mirrors`, and no account. */
  let dockerd: Dockerd
  /** Logs in to it. */
  let pusher: Dockerd
  let containerd: Containerd
  let podman: Podman
  let official: Shipped
  let hidden: Shipped
  let multi: ShippedIndex

  before(async () => {
    workspace = await makeWorkspace()
    office = await makeWorkspace()
    const sections = await readySections(await writeHtpasswd(workspace))
    mirror = await startMirror(workspace, sections, ACCOUNT)
    official = await shipOfficial(mirror.hub)
    multi = await shipIndex(mirror.hub)
    hidden = await shipPlain(mirror.hub, 'private/hidden')
    const { env } = mirror.outside
    dockerd = await startDockerd(workspace, { config: daemonJson(mirror.url), env })
    pusher = await startDockerd(office, { config: '{}', env })
    containerd = await startContainerd(workspace, { hosts: { 'docker.io': hostsToml(mirror.url) }, env })
    podman = await preparePodman(workspace, { conf: mirrorConf('docker.io', mirror.entrepot.address), env })
  })
  after(async () => {
    await office.remove()
    await workspace.remove()
  })

  const at = (name: string): string => `${mirror.entrepot.address}/${name}`

  /** Logs the mirrored dockerd's user in to Docker Hub, in a docker that has not asked there. */
  const logInToHub = async (login: Record<string, string>): Promise<void> => {
    const file = join(clientEnvironment(workspace).DOCKER_CONFIG ?? '', 'config.json')
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify({ auths: { [DOCKER_HUB]: login } }))
  }

  it('a dockerd without an account pulls through its mirror', async () => {
    assert.equal(await dockerd.pull('e2e-official:1'), official.image.config.digest)
    assert.equal(await dockerd.pull(`${multi.name}:1`), multi.amd64.config.digest)
  })

  it('so do containerd and podman', async () => {
    assert.equal(await containerd.pull(`docker.io/${multi.name}:1`), multi.index.digest)
    const name = `docker.io/${official.name}:1`
    assert.equal(await podman.pull(name), official.image.config.digest)
  })

  it('another dockerd logs in, pulls by the address, and pushes', async () => {
    await pusher.login(mirror.entrepot.address, ALICE.username, ALICE.password)
    assert.equal(await pusher.pull(at('library/e2e-official:1')), official.image.config.digest)
    await pusher.docker('tag', at('library/e2e-official:1'), at('team/app:1'))
    await pusher.docker('push', at('team/app:1'))
    await pusher.restartEmpty()
    await pusher.login(mirror.entrepot.address, ALICE.username, ALICE.password)
    assert.equal(await pusher.pull(at('team/app:1')), official.image.config.digest)
  })

  it('what was pushed is refused to who has no account, whatever he calls it', async () => {
    await assert.rejects(dockerd.pull(at('team/app:1')), /denied|unauthorized|authentication required/)
    await assert.rejects(
      podman.pull(at('team/app:1'), '--tls-verify=false'),
      /denied|unauthorized|authentication/,
    )
    await assert.rejects(containerd.pull(at('team/app:1'), '--plain-http'), /authorization|401|denied/)
    const { length } = mirror.outside.attempts
    await assert.rejects(dockerd.pull('team/app:1'))
    assert.ok(mirror.outside.attempts.length > length, 'it went on to Docker Hub, which is not there')
  })

  it('a push without an account is refused', async () => {
    await dockerd.docker('tag', 'e2e-official:1', at('team/other:1'))
    await assert.rejects(
      dockerd.docker('push', at('team/other:1')),
      /denied|unauthorized|authentication required/,
    )
  })

  it('what the upstream shows to its account alone is given to accounts alone', async () => {
    assert.equal(await pusher.pull(at(`${hidden.name}:1`)), hidden.image.config.digest)
    await assert.rejects(dockerd.pull(at(`${hidden.name}:1`)), /denied|unauthorized|authentication required/)
    await assert.rejects(podman.pull(`docker.io/${hidden.name}:1`))
  })

  const { length } = ACCOUNT.password
  const password = Buffer.from(`someone:${'x'.repeat(length)}`).toString('base64')
  for (const [what, login, brought] of [
    ['a password', { auth: password }, /"GET \/token\?account=someone&[^"]*" 200/],
    [
      'an identity token',
      { auth: Buffer.from('someone:').toString('base64'), identitytoken: 'of-docker-hub' },
      /"POST \/token [^"]*" 200/,
    ],
  ] as const)
    it(`a dockerd that brings ${what} of Docker Hub pulls through its mirror all the same`, async () => {
      await dockerd.restartEmpty()
      await logInToHub(login)
      const { length } = mirror.outside.attempts
      assert.equal(await dockerd.pull('e2e-official:1'), official.image.config.digest)
      assert.equal(await dockerd.pull(`${multi.name}:1`), multi.amd64.config.digest)
      assert.equal(mirror.outside.attempts.length, length, 'it asked nobody else')
      await waitUntil(
        'its login stands in the access log',
        () => brought.test(mirror.entrepot.output()),
        5000,
      )
    })

  it('all of it goes on while the upstream is gone', async () => {
    await mirror.hub.stop()
    await dockerd.restartEmpty()
    assert.equal(await dockerd.pull('e2e-official:1'), official.image.config.digest)
    await assert.rejects(dockerd.pull(at(`${hidden.name}:1`)), /denied|unauthorized|authentication required/)
    await pusher.docker('image', 'rm', at('team/app:1'))
    assert.equal(await pusher.pull(at('team/app:1')), official.image.config.digest)
  })
})
