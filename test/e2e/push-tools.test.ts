/** The command-line clients of the field copy, push, list, sign and delete in entrepot, the upstream running. */
import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Shipped, type ShippedIndex, shipIndex, shipPlain, shipZstd } from './support/cargo.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import { prepareTool, type Tool } from './support/clients/tool.ts'
import { type Mirror, startMirror } from './support/mirror.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('skopeo', 'crane', 'regctl', 'oras', 'helm', 'docker-registry', 'openssl', 'zstd')

describe('command-line clients work with entrepot', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let skopeo: Tool
  let crane: Tool
  let regctl: Tool
  let oras: Tool
  let helm: Tool
  let plain: Shipped
  let zstd: Shipped
  let multi: ShippedIndex

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace, { local: { push: 'anyone' } })
    plain = await shipPlain(mirror.hub)
    zstd = await shipZstd(mirror.hub)
    multi = await shipIndex(mirror.hub)
    const { env } = mirror.outside
    skopeo = await prepareSkopeo(workspace, { conf: '', env })
    crane = await prepareTool(workspace, 'crane', env)
    regctl = await prepareTool(workspace, 'regctl', env)
    oras = await prepareTool(workspace, 'oras', env)
    helm = await prepareTool(workspace, 'helm', env)
    await regctl('registry', 'set', '--tls', 'disabled', mirror.entrepot.address)
  })
  after(() => workspace.remove())

  /** A name in entrepot: mirrored from the upstream or local. */
  const at = (name: string): string => `${mirror.entrepot.address}/${name}`
  const manifestOf = (name: string): Promise<string> => crane('manifest', at(name))

  it('skopeo copies an index with all its images, and zstd layers, byte for byte', async () => {
    const flags = ['--all', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false']
    await skopeo('copy', ...flags, `docker://${at('e2e/multi:1')}`, `docker://${at('team/skopeo:multi')}`)
    await skopeo('copy', ...flags, `docker://${at('e2e/zstd:1')}`, `docker://${at('team/skopeo:zstd')}`)
    assert.equal(await manifestOf('team/skopeo:multi'), multi.index.bytes.toString())
    assert.equal(await manifestOf('team/skopeo:zstd'), zstd.image.manifest.bytes.toString())
  })

  it('crane copies, tags, lists, finds in the catalog, validates and deletes', async () => {
    await crane('copy', at('e2e/multi:1'), at('team/crane:1'))
    assert.equal(await crane('digest', at('team/crane:1')), multi.index.digest)
    await crane('tag', at('team/crane:1'), '2')
    assert.deepEqual((await crane('ls', at('team/crane'))).split('\n'), ['1', '2'])
    assert.ok((await crane('catalog', mirror.entrepot.address)).split('\n').includes('team/crane'))
    await crane('copy', at('e2e/plain:1'), at('team/crane:3'))
    await crane('validate', '--remote', at('team/crane:3'))
    await crane('delete', at(`team/crane@${multi.index.digest}`))
    await assert.rejects(crane('digest', at('team/crane:1')), /404/)
  })

  it('regctl copies an image, in chunks too, and reads it back', async () => {
    await regctl('registry', 'set', '--blob-chunk', '1000', '--blob-max', '2000', mirror.entrepot.address)
    await regctl('image', 'export', at('e2e/plain:1'), 'plain.tar')
    await regctl('image', 'import', at('team/regctl:1'), 'plain.tar')
    assert.equal(await regctl('image', 'digest', at('team/regctl:1')), plain.image.manifest.digest)
    assert.deepEqual(await regctl('tag', 'ls', at('team/regctl')), '1')
  })

  it('oras pushes an artifact and attaches one to it, and finds and pulls both', async () => {
    const [folder, target] = [await workspace.folder('oras'), at('team/oras:1')]
    await writeFile(join(folder, 'manifest.txt'), 'two barrels of rum')
    await writeFile(join(folder, 'bill.txt'), 'paid')
    const type = ['--plain-http', '--artifact-type']
    await oras('push', ...type, 'application/vnd.example.cargo', target, 'manifest.txt:text/plain')
    await oras('attach', ...type, 'application/vnd.example.bill', target, 'bill.txt:text/plain')
    await rm(join(folder, 'bill.txt'))
    const found: unknown = JSON.parse(await oras('discover', '--plain-http', '--format', 'json', target))
    const { referrers } = found as { referrers: { reference: string; artifactType: string }[] }
    assert.deepEqual(
      referrers.map(({ artifactType }) => artifactType),
      ['application/vnd.example.bill'],
    )
    await oras('pull', '--plain-http', referrers[0]!.reference)
    assert.equal(await readFile(join(folder, 'bill.txt'), 'utf8'), 'paid')
  })

  it('a signature in the manner of cosign is found by its tag and as a referrer', async () => {
    const folder = await workspace.folder('oras')
    const signatureTag = plain.image.manifest.digest.replace(':', '-')
    await crane('copy', at('e2e/plain:1'), at('team/signed:1'))
    await writeFile(join(folder, 'payload.json'), '{"critical":{}}')
    const payload = 'payload.json:application/vnd.dev.cosign.simplesigning.v1+json'
    await oras('push', '--plain-http', at(`team/signed:${signatureTag}.sig`), payload)
    const bundle = ['--artifact-type', 'application/vnd.dev.sigstore.bundle.v0.3+json']
    await oras('attach', '--plain-http', ...bundle, at('team/signed:1'), payload)
    assert.match(await manifestOf(`team/signed:${signatureTag}.sig`), /simplesigning/)
    const list = ['artifact', 'list', '--format', '{{range .Descriptors}}{{.ArtifactType}}{{end}}']
    assert.equal(await regctl(...list, at('team/signed:1')), 'application/vnd.dev.sigstore.bundle.v0.3+json')
  })

  it('helm pushes a chart and pulls it', async () => {
    const folder = await workspace.folder('helm')
    await helm('create', 'ship')
    await helm('package', 'ship')
    await helm('push', '--plain-http', 'ship-0.1.0.tgz', `oci://${at('charts')}`)
    const pushed = await readFile(join(folder, 'ship-0.1.0.tgz'))
    await rm(join(folder, 'ship-0.1.0.tgz'))
    await helm('pull', '--plain-http', `oci://${at('charts/ship')}`, '--version', '0.1.0')
    assert.deepEqual(await readFile(join(folder, 'ship-0.1.0.tgz')), pushed)
  })
})
