import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { basicAuthorization, fixedCredentials, helperCredentials } from '../../src/upstream/credentials.ts'

describe('a credential helper', () => {
  let folder = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-helper-'))
  })
  after(() => rm(folder, { recursive: true }))

  /** A helper that does `script`, and notes each run with what it was given. */
  const write = async (name: string, script: string) => {
    const command = join(folder, name)
    const log = `${command}.log`
    await writeFile(command, `#!/bin/sh\nread -r host\necho "$1 $host" >> '${log}'\n${script}\n`)
    await chmod(command, 0o755)
    const runs = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').filter(Boolean)
    return { command, runs }
  }

  const ANSWER = `echo '{"ServerURL":"x","Username":"AWS","Secret":"s3cret"}'`

  it('is run with "get", is told the host, and is asked once where its answer is good for ever', async () => {
    const { command, runs } = await write('forever', ANSWER)
    const source = helperCredentials({ command, host: 'reg.example', lifetimeMs: undefined, now: () => 0 })
    const found = await Promise.all([source.get(), source.get()])
    assert.deepEqual(found, Array(2).fill({ username: 'AWS', password: 's3cret' }))
    assert.deepEqual(await runs(), ['get reg.example'])
  })

  it('is asked anew when its answer is old, or was refused', async () => {
    const { command, runs } = await write('lifetime', ANSWER)
    const clock = { nowMs: 0 }
    const source = helperCredentials({ command, host: 'x', lifetimeMs: 1000, now: () => clock.nowMs })
    const runsAfter = async (nowMs: number, isStale?: boolean) => {
      clock.nowMs = nowMs
      await source.get(isStale)
      return (await runs()).length
    }
    assert.deepEqual(
      [await runsAfter(0), await runsAfter(999), await runsAfter(1000), await runsAfter(1001, true)],
      [1, 1, 2, 3],
    )
  })

  it('is asked each time where its answer is good for 0', async () => {
    const { command, runs } = await write('zero', ANSWER)
    const source = helperCredentials({ command, host: 'x', lifetimeMs: 0, now: () => 0 })
    await source.get()
    await source.get()
    assert.equal((await runs()).length, 2)
  })

  const failures = [
    { title: 'that fails', script: 'echo s3cret; exit 3', says: 'it ended with 3' },
    { title: 'whose answer is no JSON', script: 'echo s3cret', says: 'its answer is no JSON' },
    {
      title: 'whose answer has no account',
      script: `echo '{"Secret":"s3cret"}'`,
      says: 'its answer has no account',
    },
  ]

  for (const [i, { title, script, says }] of failures.entries())
    it(`${title} says so without what it printed, and is asked again`, async () => {
      const { command, runs } = await write(`failure-${i}`, script)
      const source = helperCredentials({ command, host: 'x', lifetimeMs: undefined, now: () => 0 })
      for (let times = 1; times <= 2; times += 1) {
        await assert.rejects(source.get(), {
          message: `credential helper ${command} gave no account for x: ${says}`,
        })
        assert.equal((await runs()).length, times)
      }
    })

  it('that is not there says so', async () => {
    const command = join(folder, 'none')
    const source = helperCredentials({ command, host: 'x', lifetimeMs: undefined, now: () => 0 })
    await assert.rejects(source.get(), /ended with ENOENT/)
  })
})

describe('Basic', () => {
  it('is the account and the password in UTF-8, colons included', async () => {
    const credentials = { username: 'älice', password: 'a:b' }
    assert.equal(basicAuthorization(credentials), `Basic ${Buffer.from('älice:a:b').toString('base64')}`)
    assert.equal(await fixedCredentials(credentials).get(true), credentials)
  })
})
