import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clientSteps } from '../../src/commands/client-steps.ts'
import { runEntrepot } from '../support/command.ts'

describe('entrepot certs', () => {
  let cwd = ''
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'entrepot-certs-'))
  })
  after(() => rm(cwd, { recursive: true }))

  const certs = (args: string) => runEntrepot(['certs', ...args.split(' ')], { cwd })
  const read = async (name: string) => new X509Certificate(await readFile(join(cwd, name)))
  const mode = async (name: string) => (await stat(join(cwd, name))).mode & 0o777

  it('makes an authority and a certificate of it, keys for their owner alone, and replaces nothing unasked', async () => {
    assert.match((await certs('server registry.example')).stderr, /make one with `entrepot certs ca`/)
    assert.equal((await certs('ca --name Mine')).stdout, 'ca.key\nca.crt\n')
    const made = await certs('server registry.example 10.0.0.1 --days 30')
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /REGISTRY_HTTP_TLS_CERTIFICATE=registry\.example\.crt/)
    const certificate = await read('registry.example.crt')
    assert.ok(certificate.verify((await read('ca.crt')).publicKey))
    assert.equal(certificate.subjectAltName, 'DNS:registry.example, IP Address:10.0.0.1')
    assert.deepEqual(
      [await mode('ca.key'), await mode('registry.example.key'), await mode('ca.crt')],
      [0o600, 0o600, 0o644],
    )
    const again = await certs('ca')
    assert.equal(again.code, 1)
    assert.match(again.stderr, /ca\.key is there already; --force replaces it/)
    assert.equal((await read('ca.crt')).subject, 'CN=Mine')

    const shown = (await certs('show registry.example.crt ca.key')).stdout
    assert.match(shown, /registry\.example\.crt: certificate\n {2}subject {6}CN=registry\.example\n/)
    assert.match(shown, /29 days left\n/)
    assert.match(shown, /ca\.key: private key, EC prime256v1\n/)
  })

  it('makes a request, and signs it', async () => {
    await certs('ca --out authority')
    assert.equal((await certs('request a.example b.example --rsa')).stdout, 'a.example.key\na.example.csr\n')
    assert.match((await certs('show a.example.csr')).stdout, /names {8}DNS:a\.example, DNS:b\.example/)
    const signed = await certs('sign a.example.csr --ca authority')
    assert.equal(signed.code, 0, signed.stderr)
    assert.equal((await read('a.example.crt')).subjectAltName, 'DNS:a.example, DNS:b.example')
  })

  it('says in one line what is wrong', async () => {
    await writeFile(join(cwd, 'nonsense'), 'nonsense')
    for (const [args, message] of [
      ['server https://registry.example', /neither a host name nor an address/],
      ['server a.example --days x', /--days must be a whole number/],
      ['show nonsense', /nonsense: there is no certificate/],
      ['show none', /ENOENT/],
    ] as const) {
      const { code, stderr } = await certs(args)
      assert.equal(code, 1, args)
      assert.match(stderr, message)
      assert.equal(stderr.trim().split('\n').length, 1)
    }
  })
})

describe('clientSteps', () => {
  it('names the folder with the port, for each client, and the line of the hosts file where it is needed', () => {
    const steps = clientSteps({ host: 'registry.example:5000', ca: 'ca.crt', address: '10.0.0.1' })
    for (const line of [
      "echo '10.0.0.1 registry.example' | sudo tee -a /etc/hosts",
      'sudo cp ca.crt /etc/docker/certs.d/registry.example:5000/ca.crt',
      'sudo cp ca.crt /etc/containerd/certs.d/registry.example:5000/ca.crt',
      'sudo cp ca.crt /etc/containers/certs.d/registry.example:5000/ca.crt',
      'docker login registry.example:5000',
    ])
      assert.ok(steps.split('\n').includes(line), line)
    assert.doesNotMatch(clientSteps({ host: 'a', ca: 'ca.crt' }), /etc\/hosts/)
  })
})
