/** The recipes of the README, run as they are written there: only the address of the mirror is put in. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, afterEach, before, describe, it } from 'node:test'
import { type Shipped, shipOfficial, shipPlain } from './support/cargo.ts'
import { startBuildkit } from './support/clients/buildkit.ts'
import { startContainerd } from './support/clients/containerd.ts'
import { startDockerd } from './support/clients/dockerd.ts'
import { preparePodman } from './support/clients/podman.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import { assertFetchedOnce, type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const README = new URL('../../README.md', import.meta.url)
const ADDRESS = '127.0.0.1:5000'

const skip = skipWithout(
  ...['dockerd', 'docker', 'containerd', 'ctr', 'podman', 'skopeo', 'buildkitd', 'buildctl', 'runc'],
  ...['docker-registry', 'openssl'],
)

describe("the README's recipe for", { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let readme: string
  let plain: Shipped
  let official: Shipped

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace)
    readme = await readFile(README, 'utf8')
    plain = await shipPlain(mirror.hub)
    official = await shipOfficial(mirror.hub)
  })
  after(() => workspace.remove())
  afterEach(() => {
    assert.deepEqual([...mirror.outside.attempts], [], 'a client went around the mirror')
  })

  /** The first code block below a heading, with the address of the mirror. */
  const recipe = (heading: string): string => {
    const section = readme.split(/^### /m).find((each) => each.startsWith(`${heading}\n`))
    const block = /^```\w+\n(?<text>.*?)^```$/ms.exec(section ?? '')?.groups?.text ?? ''
    assert.ok(block.includes(ADDRESS), `no recipe with ${ADDRESS} below ${heading}`)
    return block.replaceAll(ADDRESS, mirror.entrepot.address)
  }

  it('dockerd', async () => {
    const config = recipe('dockerd')
    const dockerd = await startDockerd(workspace, { config, env: mirror.outside.env })
    assert.equal(await dockerd.pull('e2e-official:1'), official.image.config.digest)
  })

  it('containerd', async () => {
    const hosts = { 'docker.io': recipe('containerd') }
    const containerd = await startContainerd(workspace, { hosts, env: mirror.outside.env })
    const { digest } = official.image.manifest
    assert.equal(await containerd.pull('docker.io/library/e2e-official:1'), digest)
  })

  it('podman and skopeo', async () => {
    const options = { conf: recipe('podman, CRI-O, skopeo, buildah'), env: mirror.outside.env }
    const podman = await preparePodman(workspace, options)
    assert.equal(await podman.pull('docker.io/library/e2e-official:1'), official.image.config.digest)
    const skopeo = await prepareSkopeo(workspace, options)
    await skopeo('inspect', '--no-tags', 'docker://docker.io/library/e2e-official:1')
  })

  it('BuildKit', async () => {
    const config = recipe('BuildKit')
    const buildkit = await startBuildkit(workspace, { config, env: mirror.outside.env })
    await buildkit.build(`FROM ${plain.name}:${plain.tag}\nCOPY Dockerfile /\n`)
    assertFetchedOnce(mirror.hub, [plain.image])
  })
})
