/** The commands of a running server, run as people do, against a real one before a scripted upstream. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { type CommandResult, runEntrepot } from '../support/command.ts'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

describe('against a real server', () => {
  let cwd = ''
  let upstream: ScriptedUpstream
  let entrepot: TestEntrepot

  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'entrepot-real-'))
    upstream = await startScriptedUpstream()
    upstream.addImage('library/alpine', '3', { layers: [5000] })
    entrepot = await startEntrepot({
      upstream,
      config: { local: { repositories: ['mine'], push: 'anyone' } },
    })
  })
  after(async () => {
    await entrepot.stop()
    await upstream.close()
    await rm(cwd, { recursive: true })
  })

  const run = (args: string, ...more: string[]): Promise<CommandResult> => {
    const tokenFile = join(entrepot.root, 'entrepot/admin-token')
    const server = ['--server', entrepot.debugUrl, '--token-file', tokenFile]
    return runEntrepot([...args.split(' '), ...more, ...server], { cwd })
  }

  /** Pulls the manifest, as a client does. */
  const pull = async (): Promise<void> => {
    assert.equal((await entrepot.get('/v2/library/alpine/manifests/3')).status, 200)
    await entrepot.settle()
  }

  it('status tells the traffic, without a token', async () => {
    await pull()
    await pull()
    const { code, stdout } = await runEntrepot(['status', '--server', entrepot.debugUrl], { cwd })
    assert.equal(code, 0)
    assert.match(stdout, /^entrepot test, up for .*\ncache {5}.*\n(disk .*\n)?reads {5}\d+ hits?, \d+ miss/)
    assert.match(stdout, /\nUPSTREAM +HOST +STATE +RATE LIMIT\n127\.0\.0\.1:\d+ .* well /)
  })

  it('ls shows repositories and tags with their figures', async () => {
    await pull()
    const all = await run('ls')
    assert.match(
      all.stdout,
      /^REPOSITORY .*\nlibrary\/alpine +mirrored .* (just now|\d+ s ago)\n1 repository;/,
    )
    assert.equal((await run('ls nothing/*')).stdout, 'there is nothing\n')
    const one = await run('ls alpine')
    assert.match(one.stdout, /^library\/alpine, mirrored from 127.*\nTAG .*\n3 +sha256:\w{12} /)
    const { tags } = JSON.parse((await run('ls alpine --json')).stdout)
    assert.deepEqual([tags.length, tags[0].tag, tags[0].isPinned], [1, '3', false])
    const none = await run('ls nothing')
    assert.deepEqual([none.code, none.stdout], [1, ''])
    assert.match(none.stderr, /^entrepot: nothing of a repository library\/nothing is stored here\n$/)
  })

  it('explain tells what a pull would get', async () => {
    await pull()
    const { code, stdout } = await run('explain alpine:3')
    assert.equal(code, 0)
    assert.match(stdout, /^alpine:3: ask\n( {2}.*\n)+repository {2}library\/alpine, mirrored\n/)
    assert.equal((await run('explain AL/pine')).code, 2)
  })

  it('refresh tells that a tag has moved', async () => {
    upstream.addImage('library/moving', '1', { seed: 'before' })
    assert.equal((await entrepot.get('/v2/library/moving/manifests/1')).status, 200)
    await entrepot.settle()
    assert.match((await run('refresh moving:1')).stdout, /^library\/moving:1 {2}is still sha256:/)
    const moved = upstream.addImage('library/moving', '1', { seed: 'after' })
    const { stdout } = await run('refresh moving:1')
    assert.ok(
      stdout.startsWith(`library/moving:1  has moved to ${moved.manifest.digest} from sha256:`),
      stdout,
    )
    const gone = await run('refresh moving:2')
    assert.equal(gone.code, 1)
    assert.match(gone.stderr, /^entrepot: [^\n]+\n$/)
  })

  it('what is pinned stays, until it is purged by its name', async () => {
    await pull()
    assert.deepEqual(await run('pin alpine:3'), {
      code: 0,
      stdout: '',
      stderr: 'library/alpine:3 is pinned\n',
    })
    assert.equal((await run('pin')).stdout, 'library/alpine:3\n')
    const kept = await run('purge --pattern library/alpine --yes')
    assert.deepEqual([kept.code, kept.stdout], [0, 'nothing matches: nothing to purge\n'])
    assert.equal((await run('unpin alpine:3')).code, 0)
    assert.equal((await run('pin')).stdout, 'nothing is pinned\n')
    const planned = await run('purge alpine:3 --dry-run')
    assert.match(planned.stdout, /^library\/alpine:3\n[\s\S]* would be freed\n$/)
    assert.equal((await run('ls alpine')).code, 0)
    const purged = await run('purge alpine:3 --yes')
    assert.match(purged.stdout, /^1 tag, 1 manifest and \d blobs? of 1 repository: .* freed\n$/)
    assert.equal((await run('ls alpine')).code, 1)
  })

  it('purge leaves what was pushed, and says what to do instead', async () => {
    const digest = digestOf('mine')
    const pushed = await entrepot.ask('POST', `/v2/mine/blobs/uploads/?digest=${digest}`, {}, 'mine')
    assert.equal(pushed.status, 201)
    const { code, stderr } = await run('purge mine --yes')
    assert.equal(code, 1)
    assert.match(stderr, /^entrepot: .*mine.*local.*\n$/)
    assert.equal((await run('purge --unused-for soon --yes')).code, 2)
  })

  it('warm fetches ahead, and names what it could not fetch', async () => {
    upstream.addImage('library/warmed', '1', { seed: 'warm', layers: [5000] })
    const { code, stdout, stderr } = await run('warm warmed:1 missing:1')
    assert.equal(code, 1)
    assert.match(stdout, /^warm done: 2 of 2, [\d.]+ KiB in /)
    assert.match(stderr, /^\S*missing:1\S*: failed, [^\n]+\nentrepot: warm: 1 of 2 failed\n$/)
    assert.match((await run('explain warmed:1')).stdout, /\ncomplete {4}yes\n/)
    assert.equal((await run('warm warmed:1')).code, 0)
  })

  it('scrub and gc come to an end, and are kept', async () => {
    await pull()
    const scrubbed = await run('scrub')
    assert.deepEqual([scrubbed.code, scrubbed.stderr], [0, ''])
    assert.match(scrubbed.stdout, /^scrub done: \d+ of \d+, .*\n {2}blobs +\d+\n[\s\S]* {2}repaired +0\n/)
    const file = join(cwd, 'config.yml')
    const http = `http: {debug: {addr: '${entrepot.debugUrl.replace('http://', '')}'}}`
    await writeFile(file, `{version: 0.1, storage: {filesystem: {rootdirectory: ${entrepot.root}}}, ${http}}`)
    const collected = await runEntrepot(['gc', file], { cwd })
    assert.match(collected.stdout, /^\d+ blobs, \d+ bytes freed; /, collected.stderr)
    const { stdout } = await run('jobs')
    assert.match(stdout, /\n\w+ +gc +done [\s\S]*\n\w+ +scrub +done /)
    const id = /^\w+(?= +scrub)/m.exec(stdout)?.[0] ?? ''
    assert.match((await run('jobs', id)).stdout, /^scrub done: /)
  })

  it('a drill makes an upstream unreachable, and ends', async () => {
    const name = upstream.url.replace('http://', '')
    const begun = await run('outage', name, '10m')
    assert.deepEqual(begun, { code: 0, stdout: '', stderr: `${name} is treated as unreachable for 10m\n` })
    assert.match((await run('status')).stdout, / outage /)
    assert.equal((await run('outage', name, '--end')).code, 0)
    assert.doesNotMatch((await run('status')).stdout, / outage /)
  })

  it('refuses a drill without an end, of nobody, and for ever', async () => {
    assert.equal((await run('outage docker.io')).code, 2)
    assert.equal((await run('outage docker.io soon')).code, 2)
    const unknown = await run('outage nobody 10m')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /^entrepot: .*nobody/)
  })

  it('refuses a wrong token, and tells where it is from', async () => {
    const args = ['jobs', '--server', entrepot.debugUrl]
    const { code, stderr } = await runEntrepot(args, { cwd, env: { ENTREPOT_ADMIN_TOKEN: 'wrong' } })
    assert.equal(code, 1)
    assert.equal(
      stderr,
      `entrepot: ${entrepot.debugUrl} does not accept the token of $ENTREPOT_ADMIN_TOKEN\n`,
    )
    assert.equal((await run('jobs nothing')).code, 1)
  })
})
