/** Other registries that trust the authorization service of an entrepot: docker-registry (distribution 2.8), and another entrepot. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ALICE, writeHtpasswd } from './support/accounts.ts'
import { type Shipped, shipPlain } from './support/cargo.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import type { Tool } from './support/clients/tool.ts'
import { startDockerRegistry } from './support/docker-registry.ts'
import { startEntrepot } from './support/entrepot.ts'
import { closeOutside } from './support/outside.ts'
import { skipWithout } from './support/tools.ts'
import { startHub } from './support/upstream/hub.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('skopeo', 'docker-registry', 'openssl', 'htpasswd')

describe('tokens of the built-in service', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let elsewhere: Workspace
  let skopeo: Tool
  let plain: Shipped
  let source: string
  const addresses: Record<string, string> = {}

  before(async () => {
    workspace = await makeWorkspace()
    elsewhere = await makeWorkspace()
    const hub = await startHub(workspace)
    plain = await shipPlain(hub)
    const htpasswd = { realm: 'Registry', path: await writeHtpasswd(workspace) }
    const entrepot = await startEntrepot(workspace, {
      sections: {
        auth: { htpasswd, token: { entrepot: true } },
        access: [
          { who: 'anyone', may: 'pull', content: 'mirrored' },
          { who: 'alice', may: ['pull', 'push'], repositories: 'team/**' },
        ],
        proxy: { remoteurl: hub.url },
      },
    })
    source = `docker://${entrepot.address}/${plain.name}:1`
    const token = { realm: `http://${entrepot.address}/token`, service: 'entrepot', issuer: 'entrepot' }
    const rootcertbundle = join(entrepot.rootDirectory, 'entrepot/keys/root.crt')
    await waitUntil('the keys of the token service are there', () => existsSync(rootcertbundle), 10_000)
    const distribution = await startDockerRegistry(elsewhere, 'distribution', {
      auth: { token: { ...token, rootcertbundle } },
    })
    const jwks = join(elsewhere.path, 'jwks.json')
    await writeFile(jwks, await (await fetch(`${token.realm}/jwks`)).text())
    const another = await startEntrepot(elsewhere, { sections: { auth: { token: { ...token, jwks } } } })
    addresses.distribution = distribution.address
    addresses.entrepot = another.address
    const { env } = await closeOutside(workspace)
    skopeo = await prepareSkopeo(workspace, { conf: '', env })
  })
  after(async () => {
    await elsewhere.remove()
    await workspace.remove()
  })

  const ANY = ['--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false']
  const credentials = `${ALICE.username}:${ALICE.password}`

  for (const registry of ['distribution', 'entrepot'])
    it(`open to ${registry} what the rules let an account do, and no more`, async () => {
      const at = (name: string): string => `docker://${addresses[registry]}/${name}:1`
      await skopeo('copy', ...ANY, '--dest-creds', credentials, source, at('team/app'))
      const raw = ['inspect', '--raw', '--tls-verify=false']
      const pulled = await skopeo(...raw, '--creds', credentials, at('team/app'))
      assert.equal(pulled, plain.image.manifest.bytes.toString())
      await assert.rejects(
        skopeo('copy', ...ANY, '--dest-creds', credentials, source, at('other/app')),
        /denied|unauthorized|authentication/,
      )
      await assert.rejects(
        skopeo('copy', ...ANY, '--dest-creds', 'alice:wrong', source, at('team/app')),
        /denied|unauthorized|invalid username/,
      )
      await assert.rejects(
        skopeo('copy', ...ANY, source, at('team/app')),
        /denied|unauthorized|authentication/,
      )
    })
})
