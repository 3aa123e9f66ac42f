/** `entrepot doctor` as people run it, with a server that answers what the test says and a client's files in a folder. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type CommandResult, runEntrepot } from '../../support/command.ts'
import { errorBody, type FakeAdmin, type Reply, startFakeAdmin } from '../../support/fake-admin.ts'

const explain: Reply = { json: { repository: 'library/alpine' } }
const upstream = {
  name: 'docker.io',
  host: 'docker.io',
  remoteurl: 'x',
  hasCredentials: false,
  state: 'well',
}

describe('entrepot doctor', () => {
  let root = ''
  let fake: FakeAdmin
  let pulls = 0

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'entrepot-doctor-'))
    pulls = 0
    fake = await startFakeAdmin({
      'GET /v2/': { json: {} },
      'GET /v2/library/alpine/manifests/3': () => {
        pulls += 1
        return { json: {} }
      },
      'GET /admin/v1/status': () => ({
        json: {
          version: '1.2.3',
          cache: { minFreeBytes: 0, evictedBytes: 0 },
          traffic: { hits: pulls, misses: 0, toClientsBytes: pulls * 1024, fromUpstreamBytes: 0 },
        },
      }),
      'GET /admin/v1/upstreams': { json: { upstreams: [upstream] } },
      'GET /admin/v1/explain': explain,
      'GET /admin/v1/contents': () =>
        pulls === 0
          ? { status: 404, json: errorBody('NAME_UNKNOWN', 'nothing') }
          : { json: { name: 'library/alpine', pulls } },
    })
  })
  afterEach(async () => {
    await fake.stop()
    await rm(root, { recursive: true })
  })

  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }

  /** Runs it for the server of a configuration: the fake one is registry and debug listener at once. */
  const doctor = (...args: string[]): Promise<CommandResult> =>
    doctorOf('proxy: {remoteurl: "https://registry-1.docker.io"}', ...args)

  const doctorOf = async (sections: string, ...args: string[]): Promise<CommandResult> => {
    const address = fake.url.replace('http://', '')
    await put(
      'config.yml',
      [
        'version: 0.1',
        'storage: {filesystem: {rootdirectory: /r}}',
        `http: {addr: "${address}", debug: {addr: "${address}"}}`,
        sections,
        'admin: {token: secret-token-of-the-admin}',
      ].join('\n'),
    )
    return runEntrepot(['doctor', ...args, '-c', 'config.yml', '--root', root], { cwd: root })
  }
  const daemonJson = () => JSON.stringify({ 'registry-mirrors': [fake.url] })

  it('finds nothing wrong where nothing is, and ends with 0', async () => {
    await put('etc/docker/daemon.json', daemonJson())
    const { code, stdout } = await doctor()
    assert.deepEqual(stdout.replaceAll(fake.url, 'URL').split('\n'), [
      'ok       the registry answers at URL',
      'ok       the admin API answers at URL (entrepot 1.2.3)',
      'ok       the cache has 0 B',
      'ok       docker.io answers, asked without an account',
      'ok       /etc/docker/daemon.json names URL as the mirror of Docker Hub',
      '',
    ])
    assert.equal(code, 0)
  })

  it('prints the set-up of a client that is named, and ends with 1 where it is not so', async () => {
    const { code, stdout } = await doctor('docker')
    assert.ok(stdout.includes(`{ "registry-mirrors": ["${fake.url}"] }\n`))
    assert.match(stdout, /\nproblem {2}there is no \/etc\/docker\/daemon\.json, .*registry-mirrors/)
    assert.equal(code, 1)
    const podman = JSON.parse((await doctor('skopeo', '--json')).stdout)
    assert.equal(podman.setup.name, 'podman')
    assert.match(podman.setup.text, /\[\[registry\.mirror\]\]/)
    assert.equal(podman.findings.at(-1).level, 'problem')
  })

  it('sees that a pull came through, and that another went around', async () => {
    await put('etc/docker/daemon.json', daemonJson())
    const pull = `"${process.execPath}" -e "fetch('${fake.url}/v2/library/alpine/manifests/3')" alpine:3`
    const through = await doctor('--test', pull)
    assert.match(through.stdout, /\nok {7}.* alpine:3 came through this server: 1\.00 KiB went to clients/)
    assert.equal(through.code, 0)
    const around = await doctor('--test', 'true alpine:3')
    assert.match(
      around.stdout,
      /\nproblem {2}true alpine:3 went around this server: nothing was asked of it: /,
    )
    assert.equal(around.code, 1)
    const failed = await doctor('--test', 'echo no such host; false docker.io/library/alpine:3')
    assert.match(failed.stdout, /\nproblem {2}echo .* failed: no such host\nproblem {2}.* went around/)
  })

  it('goes on without the debug listener, and says what it could not look at', async () => {
    await put('etc/docker/daemon.json', daemonJson())
    const { code, stdout } = await doctor('--server', 'http://127.0.0.1:9', '--test', 'true alpine')
    assert.match(stdout, /\nproblem {2}no server answers at http:\/\/127\.0\.0\.1:9/)
    assert.match(stdout, /\nok {7}\/etc\/docker\/daemon\.json names/)
    assert.match(stdout, /\nproblem {2}no test pull: the server cannot be asked what it saw/)
    assert.equal(code, 1)
  })

  it('looks at no mirror where nothing is mirrored', async () => {
    const { stdout } = await doctorOf('', 'dockerd')
    assert.match(stdout, /^# this server mirrors nothing; /)
    assert.doesNotMatch(stdout, /daemon\.json/)
  })

  it('refuses what it cannot mean, with 2', async () => {
    for (const args of [
      ['rkt'],
      ['--file', 'x'],
      ['--test', 'docker pull -q'],
      ['buildkit', '--pull', 'x'],
    ]) {
      const { code, stdout } = await doctor(...args)
      assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    }
  })
})
