/**
 * The token flow, seen on the wire, with the authorization service that is built in and with a separate one:
 *
 *     1  client → registry    what is it to be asked for?
 *     2  registry → client    401, where to get a token
 *     3  client → service     credentials, and what for
 *     4  service → client     a token
 *     5  client → registry    the same again, with the token
 *     6  registry → client    yes
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import { makeImage } from '../support/images.ts'
import { ALICE, writeHtpasswd } from './support/accounts.ts'
import { type Dockerd, startDockerd } from './support/clients/dockerd.ts'
import { type Podman, preparePodman } from './support/clients/podman.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import type { Tool } from './support/clients/tool.ts'
import { startEntrepot } from './support/entrepot.ts'
import { closeOutside } from './support/outside.ts'
import { listen } from './support/ports.ts'
import { skipWithout } from './support/tools.ts'
import { RequestLog } from './support/upstream/request-log.ts'
import {
  ACCOUNT,
  createSigner,
  createTokenService,
  ISSUER,
  SERVICE,
} from './support/upstream/token-service.ts'
import { type Exchange, startWire, type Wire } from './support/wire.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('dockerd', 'docker', 'podman', 'skopeo', 'openssl', 'htpasswd')

/** An account and its password. */
interface Account {
  readonly username: string
  readonly password: string
}

/** `auth` of the registry, and who may log in. */
type MakeAuth = (workspace: Workspace, exchanges: Exchange[]) => Promise<{ auth: object; account: Account }>

const builtIn: MakeAuth = async (workspace) => {
  const htpasswd = { realm: 'Registry', path: await writeHtpasswd(workspace) }
  return { auth: { htpasswd, token: { entrepot: true } }, account: ALICE }
}

const separate: MakeAuth = async (workspace, exchanges) => {
  const signer = await createSigner(await workspace.folder('service'))
  const address = await listen(workspace, createTokenService(signer, new RequestLog(), true))
  const { address: seen } = await startWire(workspace, () => address, exchanges)
  const realm = `http://${seen}/token`
  const token = { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: signer.certificateFile }
  return { auth: { token }, account: ACCOUNT }
}

for (const [what, makeAuth] of [
  ['that is built in', builtIn],
  ['of its own', separate],
] as const)
  describe(`an authorization service ${what}`, { skip, timeout: 180_000 }, () => {
    let workspace: Workspace
    let wire: Wire
    let account: Account
    let dockerd: Dockerd
    let podman: Podman
    let skopeo: Tool
    let layer: string

    before(async () => {
      workspace = await makeWorkspace()
      const exchanges: Exchange[] = []
      const made = await makeAuth(workspace, exchanges)
      account = made.account
      const entrepot = await startEntrepot(workspace, { sections: { auth: made.auth } })
      wire = await startWire(workspace, () => entrepot.address, exchanges)
      const { env } = await closeOutside(workspace)
      dockerd = await startDockerd(workspace, { config: '{}', env })
      podman = await preparePodman(workspace, { conf: '', env })
      skopeo = await prepareSkopeo(workspace, { conf: '', env })
      const [content] = makeImage({ seed: what }).layers
      layer = join(await workspace.folder('layer'), 'layer.tar')
      await writeFile(layer, await buffer(content!.stream(0, content!.sizeBytes - 1)))
    })
    after(() => workspace.remove())
    beforeEach(() => void wire.exchanges.splice(0))

    const credentials = (): string => `${account.username}:${account.password}`
    const at = (name: string): string => `${wire.address}/${name}`

    /** Asserts that a client went the six steps to a repository, and sent its password to nobody but the service. */
    const assertSteps = (name: string): void => {
      const { exchanges } = wire
      const asked = exchanges.findIndex(({ path, scheme }) => path.startsWith('/v2/') && scheme === '')
      assert.equal(exchanges[asked]?.status, 401, '2: the registry sends the client for a token')
      assert.match(
        exchanges[asked]?.challenge ?? '',
        /^Bearer realm="http:\/\/127\.0\.0\.1:\d+\/token",service="/,
      )
      const given = exchanges.findIndex(({ path, status }) => path === '/token' && status === 200)
      assert.ok(given > asked, '3 and 4: the client gets a token')
      const inside = (path: string): boolean => path.startsWith(`/v2/${name}/`)
      const done = exchanges.findIndex(
        ({ path, scheme, status }) => inside(path) && scheme === 'Bearer' && status < 300,
      )
      assert.ok(done > given, '5 and 6: the token opens the repository')
      for (const { path, scheme, status } of exchanges) {
        if (path !== '/token') assert.notEqual(scheme, 'Basic', path)
        if (inside(path))
          assert.ok(scheme === 'Bearer' || status === 401, `${path} without a token: ${status}`)
      }
    }

    it('lets no client in with a wrong password', async () => {
      await assert.rejects(dockerd.login(wire.address, account.username, 'wrong'), /unauthorized|401/)
      const wrong = ['--username', account.username, '--password', 'wrong', '--tls-verify=false']
      await assert.rejects(podman.podman('login', ...wrong, wire.address), /invalid username\/password|401/)
      const copy = ['inspect', '--tls-verify=false', '--creds', `${account.username}:wrong`]
      await assert.rejects(skopeo(...copy, `docker://${at('private/app')}`), /unauthorized|invalid username/)
    })

    it('lets no client push without a password', async () => {
      await dockerd.docker('import', layer, at('private/anonymous:1'))
      await assert.rejects(
        dockerd.docker('push', at('private/anonymous:1')),
        /denied|unauthorized|authentication/,
      )
      assert.ok(wire.exchanges.every(({ path, status }) => !path.startsWith('/v2/') || status === 401))
    })

    it('lets dockerd push and pull', async () => {
      await dockerd.login(wire.address, account.username, account.password)
      await dockerd.docker('import', layer, at('private/dockerd:1'))
      const id = await dockerd.docker('image', 'inspect', '--format', '{{.Id}}', at('private/dockerd:1'))
      wire.exchanges.splice(0)
      await dockerd.docker('push', at('private/dockerd:1'))
      assertSteps('private/dockerd')
      await dockerd.docker('image', 'rm', at('private/dockerd:1'))
      wire.exchanges.splice(0)
      assert.equal(await dockerd.pull(at('private/dockerd:1')), id)
      assertSteps('private/dockerd')
    })

    it('lets dockerd mount a layer from one repository into another', async () => {
      await dockerd.docker('tag', at('private/dockerd:1'), at('private/mounted:1'))
      assert.match(
        await dockerd.docker('push', at('private/mounted:1')),
        /Mounted from private\/dockerd|Layer already exists/,
      )
      assertSteps('private/mounted')
    })

    it('lets podman push and pull', async () => {
      const login = ['--username', account.username, '--password', account.password, '--tls-verify=false']
      await podman.podman('login', ...login, wire.address)
      await podman.podman('import', layer, at('private/podman:1'))
      wire.exchanges.splice(0)
      await podman.podman('push', '--tls-verify=false', at('private/podman:1'))
      assertSteps('private/podman')
      await podman.empty()
      wire.exchanges.splice(0)
      await podman.pull(at('private/podman:1'), '--tls-verify=false')
      assertSteps('private/podman')
    })

    it('lets skopeo copy from one repository to another, list and inspect', async () => {
      const flags = ['--src-tls-verify=false', '--dest-tls-verify=false']
      const both = ['--src-creds', credentials(), '--dest-creds', credentials()]
      await skopeo(
        'copy',
        ...flags,
        ...both,
        `docker://${at('private/dockerd:1')}`,
        `docker://${at('private/skopeo:1')}`,
      )
      assertSteps('private/skopeo')
      const one = ['--tls-verify=false', '--creds', credentials()]
      const listed: unknown = JSON.parse(
        await skopeo('list-tags', ...one, `docker://${at('private/skopeo')}`),
      )
      assert.deepEqual((listed as { Tags: string[] }).Tags, ['1'])
      await assert.rejects(skopeo('inspect', '--tls-verify=false', `docker://${at('private/skopeo:1')}`))
    })

    it('lets nobody in who has logged out', async () => {
      await dockerd.docker('logout', wire.address)
      await dockerd.restartEmpty()
      await assert.rejects(dockerd.pull(at('private/dockerd:1')), /denied|unauthorized|authentication/)
      await podman.podman('logout', wire.address)
      await podman.empty()
      await assert.rejects(
        podman.pull(at('private/podman:1'), '--tls-verify=false'),
        /denied|unauthorized|authentication/,
      )
    })
  })
