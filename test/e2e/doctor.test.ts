/** `entrepot doctor` beside real clients: set up as it says, and set up so that they go around the mirror in silence. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Shipped, shipOfficial, shipPlain } from './support/cargo.ts'
import { clientEnvironment, daemonJson, startDockerd } from './support/clients/dockerd.ts'
import { preparePodman } from './support/clients/podman.ts'
import { MAIN } from './support/entrepot.ts'
import { cleanEnvironment } from './support/environment.ts'
import { type Mirror, startMirror } from './support/mirror.ts'
import { findFreePort } from './support/ports.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('dockerd', 'docker', 'podman', 'docker-registry', 'openssl')

describe('entrepot doctor', { skip, timeout: 180_000 }, () => {
  let workspace: Workspace
  let elsewhere: Workspace
  let mirror: Mirror
  let plain: Shipped
  let official: Shipped

  before(async () => {
    workspace = await makeWorkspace()
    elsewhere = await makeWorkspace()
    mirror = await startMirror(workspace)
    plain = await shipPlain(mirror.hub)
    official = await shipOfficial(mirror.hub)
  })
  after(() => Promise.all([workspace.remove(), elsewhere.remove()]))

  /** What it says, and its exit code, with the environment of a client. */
  const doctor = (args: readonly string[], env: Readonly<Record<string, string>>) =>
    new Promise<{ code: number; said: string }>((resolve) => {
      const config = join(workspace.path, 'entrepot/config.yml')
      const options = { env: cleanEnvironment(workspace.path, env) }
      execFile(process.execPath, [MAIN, 'doctor', ...args, '-c', config], options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr }),
      )
    })

  it('prints a daemon.json with which dockerd pulls through the mirror, and sees that it does', async () => {
    const printed = await doctor(['dockerd'], {})
    const config = /^\{.*\}$/m.exec(printed.said)?.[0] ?? ''
    assert.equal(config, `{ "registry-mirrors": ["${mirror.url}"] }`)
    await startDockerd(workspace, { config, env: mirror.outside.env })
    const file = join(workspace.path, 'dockerd/daemon.json')
    const args = ['dockerd', '--file', file, '--pull', `${plain.name}:${plain.tag}`]
    for (const round of ['cold', 'there already']) {
      const { code, said } = await doctor(args, clientEnvironment(workspace))
      assert.match(said, /\nok {7}the running dockerd uses this server as its mirror\n/, round)
      assert.match(said, /\nok {7}docker pull \S+ came through this server: /, `${round}: ${said}`)
      assert.equal(code, 0, round)
    }
  })

  it('sees that a dockerd with another mirror goes elsewhere', async () => {
    const config = daemonJson(`http://127.0.0.1:${await findFreePort()}`)
    await startDockerd(elsewhere, { config, env: mirror.outside.env })
    const file = join(elsewhere.path, 'dockerd/daemon.json')
    const args = ['dockerd', '--file', file, '--pull', 'e2e-official:1']
    const { code, said } = await doctor(args, clientEnvironment(elsewhere))
    assert.match(said, /\nproblem {2}none of the mirrors in \S+ is known to be this server: http:/)
    assert.match(said, /\nproblem {2}the running dockerd has other mirrors: http:/)
    assert.match(said, /\nproblem {2}docker pull e2e-official:1 failed: /)
    assert.match(said, /\nproblem {2}docker pull e2e-official:1 went around this server: nothing was asked/)
    assert.equal(code, 1)
  })

  it('prints a registries.conf with which podman pulls through the mirror, and sees that it does', async () => {
    const printed = await doctor(['podman'], {})
    const conf = /^\[\[registry\]\][^#]*?\ninsecure = true\n/m.exec(printed.said)?.[0] ?? ''
    const podman = await preparePodman(workspace, { conf, env: mirror.outside.env })
    const { code, said } = await podmanDoctor(podman)
    assert.match(said, /\nok {7}\S+registries\.conf names \S+\/docker\.io as the mirror of docker\.io\n/)
    assert.match(said, /\nok {7}podman .* came through this server: /, said)
    assert.equal(code, 0)
  })

  it('sees that a podman whose mirror is gone falls back, though its pull goes well', async () => {
    const hub = mirror.hub.url.replace('http://', '')
    const gone = `127.0.0.1:${await findFreePort()}`
    const conf = [
      '[[registry]]\nprefix = "docker.io"',
      `location = "${hub}"\ninsecure = true`,
      `[[registry.mirror]]\nlocation = "${gone}"\ninsecure = true\n`,
    ].join('\n')
    const podman = await preparePodman(workspace, { conf, env: mirror.outside.env })
    await podman.empty()
    const { code, said } = await podmanDoctor(podman)
    assert.match(
      said,
      new RegExp(`\nproblem  no mirror of docker.io in \\S+ is known to be this server: ${gone}`),
    )
    assert.doesNotMatch(said, /failed/)
    assert.match(said, /\nproblem {2}podman .* went around this server: nothing was asked of it/, said)
    assert.equal(code, 1)
  })

  const podmanDoctor = async ({ command, env }: Awaited<ReturnType<typeof preparePodman>>) => {
    const file = join(workspace.path, 'podman/.config/containers/registries.conf')
    const pull = [...command, 'pull', '-q', `docker.io/${official.name}:${official.tag}`].join(' ')
    return doctor(['podman', '--file', file, '--test', pull], env)
  }
})
