/** The commands of a running server, run as people do, against a server that answers what the test says. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { type CommandResult, runEntrepot } from '../support/command.ts'
import { type Asked, errorBody, type FakeAdmin, type Reply, startFakeAdmin } from '../support/fake-admin.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

const explain: Reply = ({ call }: Asked) => {
  const reference = new URL(call.split(' ')[1] ?? '', 'http://x').searchParams.get('reference') ?? ''
  const repository = `library/${reference.replace(/[:@].*/, '')}`
  const reasons = ['asked 2 min ago, and cache.freshness is 0']
  return { json: { reference, repository, kind: 'mirrored', verdict: 'ask', reasons, isPinned: false } }
}

const purged = { repositories: 1, tags: 1, manifests: 2, blobs: 3, bytes: 4096 }
const items = [{ repository: 'library/alpine', tag: '3' }]

const JOB = {
  id: 'j1',
  kind: 'warm',
  startedAt: '2026-06-01T12:00:00Z',
  progress: { done: 1, total: 2, bytes: 2048 },
}

describe('a command of a running server', () => {
  let cwd = ''
  let fake: FakeAdmin | undefined
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'entrepot-admin-'))
  })
  after(() => rm(cwd, { recursive: true }))
  afterEach(() => fake?.stop())

  const run = async (args: string, replies: Readonly<Record<string, Reply>>): Promise<CommandResult> => {
    fake = await startFakeAdmin({ 'GET /admin/v1/explain': explain, ...replies })
    const env = { ENTREPOT_ADMIN_TOKEN: 'secret' }
    return runEntrepot([...args.split(' '), '--server', fake.url], { cwd, env })
  }
  const calls = () => fake?.asked.map(({ call }) => call)
  const bodies = () => fake?.asked.flatMap(({ body }) => (body === undefined ? [] : [body]))

  it('ls reads every page, and sorts', async () => {
    const entry = (name: string, sizeBytes: number) => ({
      name,
      kind: 'mirrored',
      upstream: 'docker.io',
      tags: 1,
      manifests: 2,
      sizeBytes,
      pulls: 7,
    })
    const { code, stdout } = await run('ls library/* --sort size', {
      'GET /admin/v1/repositories': ({ call }) =>
        call.includes('last=')
          ? { json: { repositories: [entry('library/big', 2048)] } }
          : { json: { repositories: [entry('library/a', 10)], next: 'library/a' } },
    })
    assert.equal(code, 0)
    assert.equal(
      stdout,
      [
        'REPOSITORY   KIND      UPSTREAM   TAGS  MANIFESTS      SIZE  PULLS  USED',
        'library/big  mirrored  docker.io     1          2  2.00 KiB      7  never',
        'library/a    mirrored  docker.io     1          2      10 B      7  never',
        '2 repositories; layers that several share are counted in each',
        '',
      ].join('\n'),
    )
    assert.deepEqual(calls(), [
      'GET /admin/v1/repositories?n=1000&filter=library%2F*',
      'GET /admin/v1/repositories?n=1000&last=library%2Fa&filter=library%2F*',
    ])
  })

  it('ls of a repository finds it under the name that it is stored by, and shows tags and what has none', async () => {
    const manifest = { mediaType: 'm', sizeBytes: 100, ownBytes: 60, isPinned: false }
    const tag = {
      tag: '3',
      digest: DIGEST,
      platforms: ['linux/amd64'],
      sizeBytes: 100,
      ownBytes: 40,
      pulls: 2,
    }
    const contents = {
      name: 'library/alpine',
      kind: 'mirrored',
      upstream: 'docker.io',
      tags: [{ ...tag, isFresh: true, askedAt: new Date().toISOString(), isPinned: true }],
      manifests: [
        { ...manifest, digest: DIGEST, tags: ['3'] },
        { ...manifest, digest: DIGEST.replace('a', 'b'), tags: [] },
      ],
      sizeBytes: 160,
    }
    const more = {
      ...contents,
      tags: [{ ...tag, tag: '4', isPinned: false }],
      manifests: [],
      manifestCount: 9,
    }
    const { code, stdout } = await run('ls alpine', {
      'GET /admin/v1/contents': ({ call }) =>
        call.includes('last=3') ? { json: more } : { json: { ...more, ...contents, next: '3' } },
    })
    assert.equal(code, 0)
    assert.match(stdout, /\n4 .*\n- .*\n… and 7 other manifests\n$/)
    assert.equal(fake?.asked[1]?.call, 'GET /admin/v1/contents?repository=library%2Falpine')
    assert.match(stdout, /^library\/alpine, mirrored from docker\.io: 160 B\nTAG {2}DIGEST/)
    assert.match(
      stdout,
      /\n3 .* linux\/amd64 .* 40 B .* (just now|\d+ s ago), fresh {2}pinned\n4 .*\n- .* 60 B/,
    )
  })

  it('purge shows nothing but the figures with --yes, and sends what was said', async () => {
    const reply: Reply = { json: { ...purged, isDryRun: false, items } }
    const { code, stdout } = await run('purge alpine:3 --unused-for 30d --yes', {
      'POST /admin/v1/purge': reply,
    })
    assert.equal(code, 0)
    assert.equal(stdout, '1 tag, 2 manifests and 3 blobs of 1 repository: 4.00 KiB freed\n')
    assert.deepEqual(bodies(), [{ repository: 'library/alpine', tag: '3', unusedFor: '30d', dryRun: false }])
    assert.equal(fake?.asked.at(-1)?.authorization, 'Bearer secret')
  })

  it('purge only looks with --dry-run, also beside --yes', async () => {
    const reply: Reply = { json: { ...purged, isDryRun: true, items } }
    const { code, stdout } = await run('purge --all --dry-run --yes', { 'POST /admin/v1/purge': reply })
    assert.equal(code, 0)
    assert.match(stdout, /^library\/alpine:3\n1 tag, .* 4\.00 KiB would be freed\n$/)
    assert.deepEqual(bodies(), [{ all: true, dryRun: true }])
  })

  it('purge asks nothing of the server where nobody can be asked, or nothing is said', async () => {
    for (const args of ['purge --all', 'purge --yes']) {
      const { code, stderr } = await run(args, {})
      assert.equal(code, 2)
      assert.match(stderr, /^entrepot: (nobody can be asked here|purge what)/)
      assert.deepEqual(calls(), [])
      await fake?.stop()
    }
  })

  it('warm follows the job, names what failed, and fails', async () => {
    const items = [
      { name: 'a:1', state: 'done' },
      { name: 'b:1', state: 'failed', error: 'MANIFEST_UNKNOWN' },
    ]
    const { code, stdout, stderr } = await run('warm a:1 b:1 -p linux/arm64 -p linux/amd64', {
      'POST /admin/v1/warm': { status: 202, json: { ...JOB, state: 'running' } },
      'GET /admin/v1/jobs/j1': { json: { ...JOB, state: 'done', endedAt: '2026-06-01T12:00:05Z', items } },
    })
    assert.equal(code, 1)
    assert.equal(stdout, 'warm done: 1 of 2, 2.00 KiB in 5 s\n')
    assert.equal(stderr, 'b:1: failed, MANIFEST_UNKNOWN\nentrepot: warm: 1 of 2 failed\n')
    assert.deepEqual(bodies(), [{ references: ['a:1', 'b:1'], platforms: ['linux/arm64', 'linux/amd64'] }])
  })

  it('scrub --detach leaves the job to the server, and --json prints the answer', async () => {
    const job = { ...JOB, kind: 'scrub', state: 'running' }
    const { code, stdout } = await run('scrub --detach --json', {
      'POST /admin/v1/scrub': { status: 202, json: job },
    })
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout), job)
  })

  it('scrub tells what came of it', async () => {
    const result = { blobs: 12, rottenBlobs: 1, checkedBytes: 2048, startedAtMs: 5, names: ['x'] }
    const { code, stdout } = await run('scrub', {
      'POST /admin/v1/scrub': { json: { ...JOB, kind: 'scrub', state: 'done', result } },
    })
    assert.equal(code, 0)
    assert.match(
      stdout,
      /^scrub done: .*\n {2}blobs {9}12\n {2}rotten blobs {2}1\n {2}checked {7}2\.00 KiB\n/,
    )
  })

  it('pin and unpin name what they keep, and pin alone lists', async () => {
    const pins = { pins: [{ repository: 'library/alpine', reference: DIGEST }] }
    assert.equal((await run(`pin alpine@${DIGEST} busybox`, { 'PUT /admin/v1/pins': {} })).code, 0)
    assert.deepEqual(bodies(), [
      { repository: 'library/alpine', reference: DIGEST },
      { repository: 'library/busybox', reference: 'latest' },
    ])
    await fake?.stop()
    const listed = await run('pin', { 'GET /admin/v1/pins': { json: pins } })
    assert.equal(listed.stdout, `library/alpine@${DIGEST}\n`)
    await fake?.stop()
    const gone = { status: 404, json: errorBody('MANIFEST_UNKNOWN', 'library/alpine:3 is not pinned') }
    const unpinned = await run('unpin alpine:3', { 'DELETE /admin/v1/pins': gone })
    assert.deepEqual(unpinned, { code: 1, stdout: '', stderr: 'entrepot: library/alpine:3 is not pinned\n' })
  })

  it('refresh says whether a tag has moved', async () => {
    const answer = { digest: DIGEST, isChanged: false }
    const { stdout } = await run('refresh alpine', { 'POST /admin/v1/refresh': { json: answer } })
    assert.equal(stdout, `library/alpine:latest  is still ${DIGEST}\n`)
    assert.deepEqual(bodies(), [{ repository: 'library/alpine', tag: 'latest' }])
  })

  it('explain gives the verdict and its reasons', async () => {
    const { stdout } = await run('explain alpine:3 --ns docker.io', {})
    assert.equal(
      stdout,
      'alpine:3: ask\n  asked 2 min ago, and cache.freshness is 0\nrepository  library/alpine, mirrored\n',
    )
    assert.deepEqual(calls(), ['GET /admin/v1/explain?reference=alpine%3A3&ns=docker.io'])
  })

  it('fails in one line where there is no server, and with 2 where an option is unknown', async () => {
    const status = await runEntrepot(['status', '--server', 'http://127.0.0.1:9'], { cwd })
    assert.equal(status.code, 1)
    assert.match(status.stderr, /^entrepot: no server answers at http:\/\/127\.0\.0\.1:9 \(.*\n$/)
    assert.equal((await runEntrepot(['status', '--sever', 'x'], { cwd })).code, 2)
  })
})
