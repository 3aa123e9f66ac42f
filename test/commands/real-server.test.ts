/** The commands of a running server, run as people do, against a real one before a scripted upstream. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
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
    entrepot = await startEntrepot({ upstream })
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
    assert.equal((await run('jobs')).stdout, 'there were no jobs\n')
    assert.equal((await run('jobs nothing')).code, 1)
  })
})
