import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createAuthority, issueCertificate } from '../../../src/certs/authority.ts'
import { UsageError } from '../../../src/commands/command.ts'
import { findMirror, type MirrorOptions } from '../../../src/commands/doctor/find-mirror.ts'
import { clientHostOf, isHub, isMirror } from '../../../src/commands/doctor/mirror.ts'
import { loadConfig } from '../../../src/config/load.ts'

describe('the mirror as clients see it', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-doctor-'))
    const validity = { days: 10, nowMs: Date.now() }
    const authority = await createAuthority('A', 'ec', validity)
    const names = [{ type: 'dns' as const, value: 'mirror.example' }]
    const server = await issueCertificate(authority, { commonName: 'mirror', names }, 'ec', validity)
    await writeFile(join(folder, 'server.crt'), server.certificate)
    await writeFile(join(folder, 'server.key'), server.key)
    await writeFile(join(folder, 'notes.pem'), 'none')
    await writeFile(join(folder, 'root.crt'), authority.certificate)
  })
  after(() => rm(folder, { recursive: true }))

  const find = async (yaml: string, options: MirrorOptions = {}) => {
    const file = join(folder, 'config.yml')
    await writeFile(file, `version: 0.1\nstorage: {filesystem: {rootdirectory: /r}}\n${yaml}\n`)
    return findMirror(loadConfig({ file, env: {} }), options)
  }
  const tls = () => `tls: {certificate: ${folder}/server.crt, key: ${folder}/server.key}`

  const urls: [what: string, http: () => string, options: MirrorOptions, url: string][] = [
    [
      'what is said',
      () => 'addr: ":5000"',
      { address: 'Mirror.example:5000/' },
      'http://mirror.example:5000',
    ],
    ['what is said, by TLS where the server speaks it', tls, { address: 'm:1' }, 'https://m:1'],
    ['http.host', () => 'host: "https://reg.example/x"', {}, 'https://reg.example'],
    ['the only address it listens on', () => 'addr: "127.0.0.1:5007"', {}, 'http://127.0.0.1:5007'],
    ['the first name of its certificate', tls, {}, 'https://mirror.example:5000'],
  ]
  for (const [what, http, options, url] of urls)
    it(`has ${what} as its address`, async () => {
      assert.equal((await find(`http: {${http()}}`, options)).url, url)
    })

  it('answers to all names and addresses of its machine, and to no other', async () => {
    const mirror = await find('http: {addr: ":5000"}')
    for (const each of ['http://127.0.0.1:5000', 'localhost:5000/x', 'http://[::1]:5000/', mirror.url])
      assert.ok(isMirror(mirror, each), each)
    for (const each of ['http://127.0.0.1:5001', 'localhost/x', 'https://mirror.example', '127.0.0.1:50000'])
      assert.ok(!isMirror(mirror, each), each)
    assert.ok(!isMirror(await find('http: {addr: "127.0.0.1:5000"}'), 'http://[::1]:5000'))
    assert.ok(isMirror(await find(`http: {${tls()}}`), 'https://mirror.example:5000'))
  })

  it('finds the authority beside the certificate, as far as clients need it', async () => {
    assert.equal((await find(`http: {${tls()}}`)).authority?.file, join(folder, 'root.crt'))
    assert.equal((await find('')).authority, undefined)
    const said = await find('', { address: 'https://m:1', ca: join(folder, 'server.crt') })
    assert.equal(said.authority?.file, join(folder, 'server.crt'))
  })

  it('knows which upstream stands for Docker Hub', async () => {
    const hub = await find('proxy: {remoteurl: "http://127.0.0.1:1"}\nupstreams: [{host: ghcr.io}]')
    assert.deepEqual(hub.registries.map(clientHostOf), ['docker.io', 'ghcr.io'])
    assert.ok(isHub(hub))
    assert.ok(!isHub(await find('proxy: {remoteurl: "https://ghcr.io"}')))
    assert.deepEqual((await find('')).registries, [])
  })

  it('is one of Docker Hub where nothing but an address is known, and an address it must be', () => {
    const nothing = { ...loadConfig({ env: {}, defaultFiles: [] }), file: undefined }
    const mirror = findMirror(nothing, { address: 'http://m:5000' })
    assert.deepEqual([isHub(mirror), mirror.aliases.size], [true, 0])
    for (const address of ['http://m:5000/v2', 'ftp://m', 'http://u@m', ''])
      assert.throws(() => findMirror(nothing, { address }), UsageError)
  })
})
