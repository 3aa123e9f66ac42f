/** The README's nginx before entrepot: what clients push, pull and are told goes through it unharmed. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ALICE, writeHtpasswd } from './support/accounts.ts'
import { type Shipped, shipBig, shipPlain } from './support/cargo.ts'
import { prepareSkopeo } from './support/clients/skopeo.ts'
import type { Tool } from './support/clients/tool.ts'
import { type Entrepot, startEntrepot } from './support/entrepot.ts'
import { cleanEnvironment } from './support/environment.ts'
import { closeOutside } from './support/outside.ts'
import { findFreePort } from './support/ports.ts'
import { Program } from './support/program.ts'
import { readBlocks } from './support/readme.ts'
import { makeShell } from './support/shell.ts'
import { skipWithout } from './support/tools.ts'
import { startHub } from './support/upstream/hub.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('nginx', 'skopeo', 'docker', 'docker-registry', 'openssl', 'htpasswd')

const HOST = 'registry.example.com'

describe('entrepot behind nginx', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let entrepot: Entrepot
  let skopeo: Tool
  let plain: Shipped
  let big: Shipped
  let address: string

  before(async () => {
    workspace = await makeWorkspace()
    const hub = await startHub(workspace)
    plain = await shipPlain(hub)
    big = await shipBig(hub)
    const htpasswd = { realm: 'Registry', path: await writeHtpasswd(workspace) }
    entrepot = await startEntrepot(workspace, {
      sections: { proxy: { remoteurl: hub.url }, auth: { htpasswd }, access: 'mirror' },
    })
    const shell = await makeShell(workspace)
    await shell.run('entrepot certs ca --out certs && entrepot certs server 127.0.0.1 --ca certs --out certs')
    const port = await findFreePort()
    address = `127.0.0.1:${port}`
    const [block = ''] = await readBlocks('Behind nginx')
    const server = block
      .replace('listen 443', `listen ${address}`)
      .replaceAll(`/certs/${HOST}`, join(shell.folder, 'certs/127.0.0.1'))
      .replaceAll(HOST, '127.0.0.1')
      .replace('127.0.0.1:5000', entrepot.address)
    const folder = await workspace.folder('nginx')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const paths = temporary.map((each) => `${each}_temp_path ${folder}/${each};`).join(' ')
    const file = join(folder, 'nginx.conf')
    const main = `user root; pid ${folder}/pid; daemon off; error_log stderr; events {}`
    await writeFile(file, `${main}\nhttp { access_log off; ${paths}\n${server}}\n`)
    const args = ['-c', file, '-p', folder]
    const nginx = Program.start(workspace, { command: 'nginx', args, env: cleanEnvironment(folder) })
    await nginx.ready(async () => (await readFile(`${folder}/pid`, 'utf8')) !== '')
    const { env } = await closeOutside(workspace)
    skopeo = await prepareSkopeo(workspace, { conf: '', env })
  })
  after(() => workspace.remove())

  const at = (name: string): string => `docker://${address}/${name}:1`
  const ANY = ['--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false']
  const LOGIN = ['--dest-creds', `${ALICE.username}:${ALICE.password}`]

  it('gives who has no account what is mirrored, by a realm that he can reach', async () => {
    const inspected = await skopeo('inspect', '--raw', '--tls-verify=false', at(plain.name))
    assert.equal(inspected, plain.image.manifest.bytes.toString())
  })

  it('takes a push of 300 MB and gives it back', async () => {
    await skopeo('copy', ...ANY, ...LOGIN, at(big.name), at('team/big'))
    const folder = await workspace.folder('copy')
    const login = ['--src-creds', `${ALICE.username}:${ALICE.password}`]
    await skopeo('copy', ...ANY, ...login, at('team/big'), `dir:${folder}`)
    assert.deepEqual(await readFile(join(folder, 'manifest.json')), big.image.manifest.bytes)
  })

  it('knows whose requests they are', async () => {
    const headers = { 'X-Forwarded-For': '192.0.2.77' }
    await (await fetch(`http://${entrepot.address}/v2/`, { headers })).text()
    await waitUntil(
      'the line stands in the access log',
      () => /^192\.0\.2\.77 - - /m.test(entrepot.output()),
      5000,
    )
  })
})
