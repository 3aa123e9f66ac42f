/** `docker run -v …:/var/lib/registry -v …/config.yml:/etc/docker/registry/config.yml --read-only`, without docker. */
import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { makeImage } from '../support/images.ts'
import { getPath } from './support/get.ts'
import { Image, skipWithoutOverlay } from './support/image.ts'
import { findFreePort } from './support/ports.ts'
import type { Program } from './support/program.ts'
import { skipWithout } from './support/tools.ts'
import { pushImage } from './support/upstream/push.ts'
import { answersHttp } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

/** Who gets an empty volume. */
const NOBODY = 65_532
/** What the configuration file says, so that it is seen to be the one that is read. */
const HEADER = ['x-mounted', 'yes'] as const

const CARGO = makeImage({ layers: [300_000] })

describe('the image, its steps taken by hand', {
  skip: skipWithout('mount', 'chroot') || skipWithoutOverlay(),
  timeout: 120_000,
}, () => {
  let workspace: Workspace
  let image: Image
  let volume: string
  let mounts: Record<string, string>
  let environment: Record<string, string>
  let address: string

  before(async () => {
    workspace = await makeWorkspace()
    image = await Image.build(workspace)
    volume = await workspace.folder('volume')
    const file = join(await workspace.folder('etc'), 'config.yml')
    address = `127.0.0.1:${await findFreePort()}`
    const config = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: '/var/lib/registry' } },
      http: { addr: ':5000', headers: { [HEADER[0]]: [HEADER[1]] } },
    }
    await writeFile(file, JSON.stringify(config))
    mounts = { '/var/lib/registry': volume, '/etc/docker/registry/config.yml': file }
    environment = {
      REGISTRY_HTTP_ADDR: address,
      REGISTRY_HTTP_DEBUG_ADDR: `127.0.0.1:${await findFreePort()}`,
    }
  })
  after(() => workspace.remove())

  const start = async (): Promise<Program> => {
    const container = image.start({ mounts, environment })
    mounts = {}
    await container.ready(() => answersHttp(`http://${environment.REGISTRY_HTTP_DEBUG_ADDR}/healthz`))
    return container
  }
  const userOf = async ({ pid }: Program): Promise<number> =>
    Number(/^Uid:\s*(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])

  it('serves the file that is mounted, keeps pushes on the volume, and is not root', async () => {
    const container = await start()
    const answer = await getPath(address, '/v2/')
    assert.deepEqual([answer.statusCode, answer.headers[HEADER[0]]], [200, HEADER[1]])
    answer.resume()
    await pushImage({ registry: address, name: 'team/cargo' }, CARGO, '1')
    assert.equal(await userOf(container), NOBODY)
    assert.equal((await stat(join(volume, 'docker'))).uid, NOBODY)
    await image.run(image.healthCheck, environment)
    await container.stop()
    assert.equal(container.ending, 0, container.output)
  })

  it('has what was pushed in its next container', async () => {
    const container = await start()
    const answer = await getPath(address, `/v2/team/cargo/blobs/${CARGO.layers[0]?.digest}`)
    assert.equal((await buffer(answer)).length, CARGO.layers[0]?.sizeBytes)
    await container.stop()
  })

  it('has a root that nobody can write to', async () => {
    await assert.rejects(image.run(['touch', '/etc/written']), /Read-only file system/)
  })

  it('is not well while it does not run', async () => {
    await assert.rejects(image.run(image.healthCheck, environment), /is not well/)
  })

  it('answers to the commands of registry:2', async () => {
    assert.match(await image.run(['--version']), /^registry entrepot \d/)
    assert.match(await image.run(['garbage-collect', '-d', '/etc/docker/registry/config.yml']), /./)
    assert.match(await image.run(['registry', 'help']), /garbage-collect/)
  })
})
