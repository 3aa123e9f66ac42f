/** What was sent to log in stands nowhere afterwards: not in the log, not in metrics, not in answers. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { pino } from 'pino'
import { makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { ALICE, writeAccounts } from './accounts.ts'
import { basic, fetchToken } from './login.ts'

/** Each is sent or configured somewhere below. */
const SECRETS = [
  'correct horse',
  'wr0ng-passw0rd',
  'f0rm-passw0rd',
  'refresh-t0ken',
  'a.bad.t0ken',
  'hub-passw0rd',
]

describe('secrets', () => {
  let folder: string
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let log = ''

  before(async () => {
    folder = await makeFolder()
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        log += String(chunk)
        done()
      },
    })
    hub = await startScriptedUpstream({ tokens: { users: { mirror: 'hub-passw0rd' } } })
    hub.addImage('library/alpine', 'latest')
    entrepot = await startEntrepot({
      log: pino({ level: 'debug' }, stream),
      config: {
        proxy: { remoteurl: hub.url, username: 'mirror', password: 'hub-passw0rd' },
        auth: { htpasswd: { realm: 'r', path: await writeAccounts(folder) }, token: { entrepot: true } },
        access: 'mirror',
      },
    })
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
    await rm(folder, { recursive: true })
  })

  it('are in no answer, no metric, no finding and no line of the log', async () => {
    const answers: string[] = []
    const ask = async (...[method, path, headers, body]: Parameters<TestEntrepot['ask']>): Promise<void> => {
      const answer = await entrepot.ask(method, path, headers, body)
      answers.push(JSON.stringify(answer.headers), answer.body.toString())
    }
    const token = await fetchToken(entrepot, 'repository:team/app:pull,push', ALICE)
    const all = [ALICE, basic('alice', 'wr0ng-passw0rd'), 'Bearer a.bad.t0ken', `Bearer ${token}`]
    const askAll = async (): Promise<void> => {
      for (const Authorization of all)
        for (const path of [
          '/v2/',
          '/v2/library/alpine/manifests/latest',
          '/v2/team/app/tags/list',
          '/nowhere',
        ])
          await ask('GET', path, { Authorization })
    }
    await askAll()
    await ask('GET', '/token', { Authorization: basic('alice', 'wr0ng-passw0rd') })
    for (const form of [
      { grant_type: 'password', username: 'alice', password: 'f0rm-passw0rd' },
      { grant_type: 'refresh_token', refresh_token: 'refresh-t0ken' },
    ])
      await ask('POST', '/token', {}, new URLSearchParams(form).toString())
    await hub.stop()
    await askAll()
    for (const path of ['/metrics', '/debug/health', '/readyz', '/healthz'])
      await ask('GET', `${entrepot.debugUrl}${path}`)
    assert.match(log, /stale|unreachable|refused/i)
    const encoded = [...SECRETS, ...all.map((each) => each.split(' ').slice(1).join(' '))]
    for (const secret of encoded) {
      assert.ok(!log.includes(secret), `the log holds ${secret}`)
      assert.ok(!answers.join('\n').includes(secret), `an answer holds ${secret}`)
    }
  })
})
