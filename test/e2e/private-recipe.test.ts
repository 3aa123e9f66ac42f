/**
 * The README's recipe for a private registry, command by command and variable by variable, against a real dockerd, which
 * reaches the registry by an address of this machine that is not loopback: there it would not look at certificates.
 */
import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeImage } from '../support/images.ts'
import { type Dockerd, startDockerd } from './support/clients/dockerd.ts'
import { MAIN } from './support/entrepot.ts'
import { cleanEnvironment } from './support/environment.ts'
import { closeOutside } from './support/outside.ts'
import { findFreePort } from './support/ports.ts'
import { Program } from './support/program.ts'
import { readBlocks } from './support/readme.ts'
import { makeShell, type Shell } from './support/shell.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('dockerd', 'docker', 'openssl', 'htpasswd', 'unshare')

const HOST = 'registry.example.com'
/** What the image runs without a file of one's own. */
const CONFIG = fileURLToPath(new URL('../../config/default.yml', import.meta.url))

/** An address of this machine that others could reach; loopback where there is none. */
const ownAddress = (): string =>
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'

for (const [certificates, block] of [
  ['openssl', 0],
  ['entrepot certs', 1],
] as const)
  describe(`the recipe for a private registry, with ${certificates}`, { skip, timeout: 180_000 }, () => {
    const address = ownAddress()
    let workspace: Workspace
    let shell: Shell
    let registry: string
    let server: Program
    let dockerd: Dockerd
    let onClient: string
    let id: string

    before(async () => {
      workspace = await makeWorkspace()
      // The server goes on as the owner of an empty volume, as in the image.
      await chmod(workspace.path, 0o755)
      shell = await makeShell(workspace)
      const port = await findFreePort()
      registry = `${address}:${port}`
      const blocks = await readBlocks('Private registry')
      const onServer = (text: string): string =>
        text
          .replaceAll(`DNS:${HOST}`, `IP:${address}`)
          .replaceAll(HOST, address)
          .replaceAll('0.0.0.0:443', registry)
      onClient = (blocks[3] ?? '').replaceAll(HOST, registry)
      await shell.run(onServer(`mkdir -p certs auth\n${blocks[block] ?? ''}`))
      await shell.run(onServer(blocks[2] ?? ''))
      server = Program.start(workspace, {
        command: process.execPath,
        args: [MAIN, 'serve', CONFIG],
        env: cleanEnvironment(shell.folder, {
          ...(await shell.containerEnvironment()),
          REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: await workspace.folder('volume'),
          REGISTRY_HTTP_DEBUG_ADDR: `127.0.0.1:${await findFreePort()}`,
          ENTREPOT_AS_OWNER: '1',
        }),
      })
      await server.ready(() => server.output.includes('listening on'))
      const { env } = await closeOutside(workspace)
      const direct = { ...env, NO_PROXY: `${env.NO_PROXY},${address}` }
      dockerd = await startDockerd(workspace, { config: '{}', etc: shell.etcDocker, env: direct })
      await importAlpine()
    })
    after(() => workspace.remove())

    /** Any image, under the name that the recipe tags. */
    const importAlpine = async (): Promise<void> => {
      const [layer] = makeImage({ seed: 'alpine' }).layers
      assert.ok(layer !== undefined)
      await shell.importImage(layer, 'alpine')
      id = await dockerd.docker('image', 'inspect', '--format', '{{.Id}}', 'alpine')
    }

    const target = (): string => `${registry}/team/app`

    it('is of no use to a client that does not trust the authority', async (test) => {
      if (address.startsWith('127.')) return test.skip('dockerd looks at no certificate on loopback')
      await assert.rejects(dockerd.login(registry, 'alice', 'correct horse'), /x509|certificate/)
    })

    it('logs in, pushes, pulls and logs out', async () => {
      const said = await shell.run(onClient)
      assert.match(said, /Login Succeeded/)
      assert.match(said, /latest: digest: sha256:[0-9a-f]{64}/)
      assert.match(said, /Removing login credentials/)
    })

    it('refuses who has logged out', async () => {
      await dockerd.restartEmpty()
      await assert.rejects(dockerd.pull(target()), /no basic auth credentials/)
    })

    it('refuses a wrong password, and an account that there is not', async () => {
      await assert.rejects(dockerd.login(registry, 'alice', 'wrong'), /401 Unauthorized|unauthorized/)
      await assert.rejects(dockerd.login(registry, 'bob', 'correct horse'), /401 Unauthorized|unauthorized/)
      await assert.rejects(dockerd.pull(target()), /no basic auth credentials/)
    })

    it('gives back what was pushed to who logs in again', async () => {
      await dockerd.login(registry, 'alice', 'correct horse')
      assert.equal(await dockerd.pull(target()), id)
      await dockerd.docker('logout', registry)
      await dockerd.restartEmpty()
      await assert.rejects(dockerd.pull(target()), /no basic auth credentials/)
    })

    it('has told no password', () => {
      assert.match(server.output, /"alice" *|- alice \[/)
      assert.doesNotMatch(server.output, /correct horse|Y29ycmVjdCBob3JzZ|wrong/)
    })
  })
