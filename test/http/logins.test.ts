/** The ways to log in, each from a configuration as people write it. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SignJWT } from 'jose'
import type { Logger } from '../../src/observe/log.ts'
import { makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import { ALICE, BOB, STRANGER, writeAccounts } from './accounts.ts'
import { basic, pushImage } from './login.ts'

let folder = ''
let htpasswd = ''

before(async () => {
  folder = await makeFolder()
  htpasswd = await writeAccounts(folder)
})
after(() => rm(folder, { recursive: true }))

/** Runs a test against an entrepot of these sections of the configuration. */
const withEntrepot = async (
  config: Readonly<Record<string, unknown>>,
  test: (entrepot: TestEntrepot) => Promise<void>,
  log?: Logger,
): Promise<void> => {
  const entrepot = await startEntrepot({ config, ...(log && { log }) })
  try {
    await test(entrepot)
  } finally {
    await entrepot.stop()
  }
}

/** A log that keeps its lines. */
const keepLog = (): { log: Logger; lines: string[] } => {
  const lines: string[] = []
  const keep = (...args: unknown[]) => void lines.push(args.map((arg) => JSON.stringify(arg)).join(' '))
  return { log: { debug: keep, info: keep, warn: keep, error: keep } as unknown as Logger, lines }
}

const statusOf = async (entrepot: TestEntrepot, path: string, Authorization?: string): Promise<number> =>
  (await entrepot.get(path, Authorization === undefined ? {} : { Authorization })).status

describe('auth.htpasswd', () => {
  const config = () => ({ auth: { htpasswd: { realm: 'Registry Realm', path: htpasswd } } })

  it('asks for a password everywhere, and is content with a right one', () =>
    withEntrepot(config(), async (entrepot) => {
      const { manifest } = await pushImage(entrepot, 'team/app', '1', ALICE)
      for (const path of ['/v2/', '/v2/_catalog', '/v2/team/app/manifests/1', '/v2/team/app/tags/list']) {
        const asked = await entrepot.get(path)
        assert.equal(asked.status, 401, path)
        assert.equal(asked.headers['www-authenticate'], 'Basic realm="Registry Realm"')
        for (const wrong of [basic('alice', 'wrong'), basic('nobody', 'x'), STRANGER, 'Bearer x', 'Basic'])
          assert.equal(await statusOf(entrepot, path, wrong), 401, `${path} ${wrong}`)
        assert.equal(await statusOf(entrepot, path, BOB), 200, path)
      }
      const pulled = await entrepot.get('/v2/team/app/manifests/1', { Authorization: BOB })
      assert.deepEqual(pulled.body, manifest.bytes)
    }))

  it('has no token service', () =>
    withEntrepot(config(), async (entrepot) => {
      assert.equal(await statusOf(entrepot, '/token', ALICE), 404)
    }))

  it('makes a file that is missing, with one account, and tells its password once', async () => {
    const path = join(folder, 'new/htpasswd')
    const { log, lines } = keepLog()
    await withEntrepot(
      { auth: { htpasswd: { realm: 'r', path } } },
      async (entrepot) => {
        const [, account = '', password = ''] =
          /account (\w+), password ([\w-]+)/.exec(lines.join('\n')) ?? []
        assert.equal(await statusOf(entrepot, '/v2/', basic(account, password)), 200)
      },
      log,
    )
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('names accounts that cannot log in, and why', async () => {
    const path = join(folder, 'old')
    await writeFile(path, 'carol:$apr1$AbCdEfGh$0123456789012345678901\n')
    const { log, lines } = keepLog()
    await withEntrepot({ auth: { htpasswd: { realm: 'r', path } } }, async () => {}, log)
    assert.ok(lines.some((line) => /carol cannot log in: its line holds MD5/.test(line)))
  })

  it('does not start with a file that makes no sense', async () => {
    const path = join(folder, 'broken')
    await writeFile(path, 'no colon here\n')
    await assert.rejects(
      startEntrepot({ config: { auth: { htpasswd: { realm: 'r', path } } } }),
      /auth\.htpasswd\.path: .*broken: line 1/,
    )
  })

  it('slows guessing down by account and address, whoever stands before it', () =>
    withEntrepot(config(), async (entrepot) => {
      const guess = (password: string, from: string) =>
        entrepot.get('/v2/', { Authorization: basic('alice', password), 'X-Forwarded-For': from })
      let limited: Awaited<ReturnType<typeof guess>> | undefined
      for (let count = 0; count < 10 && limited === undefined; count++) {
        const answer = await guess(`guess ${count}`, '192.0.2.1')
        if (answer.status === 429) limited = answer
        else assert.equal(answer.status, 401)
      }
      assert.match(String(limited?.headers['retry-after']), /^\d+$/)
      assert.equal((await guess('correct horse', '192.0.2.1')).status, 429)
      assert.equal((await guess('correct horse', '192.0.2.2')).status, 200)
      assert.ok((await entrepot.metric('entrepot_logins_refused_total', { as: 'password' })) >= 5)
      assert.ok((await entrepot.metric('entrepot_logins_refused_total', { as: 'unchecked' })) >= 2)
    }))
})

describe('access rules', () => {
  it('say who may what where, and what of the catalog is shown', async () => {
    const rules = [
      { who: 'group:crew', may: ['pull', 'push', 'delete'], repositories: 'team/**' },
      { who: 'accounts', may: 'pull', repositories: ['team/open/**', 'bob/**'] },
      { who: 'bob', may: 'push', repositories: 'bob/**' },
    ]
    const auth = { htpasswd: { realm: 'r', path: htpasswd } }
    const access = { groups: { crew: ['alice'] }, rules }
    await withEntrepot({ auth, access }, async (entrepot) => {
      await pushImage(entrepot, 'team/app', '1', ALICE)
      await pushImage(entrepot, 'team/open/app', '1', ALICE)
      await pushImage(entrepot, 'bob/app', '1', BOB)
      const catalog = async (who: string) =>
        (await entrepot.get('/v2/_catalog', { Authorization: who })).json()
      assert.deepEqual(await catalog(ALICE), { repositories: ['bob/app', 'team/app', 'team/open/app'] })
      assert.deepEqual(await catalog(BOB), { repositories: ['bob/app', 'team/open/app'] })
      assert.equal(await statusOf(entrepot, '/v2/team/open/app/manifests/1', BOB), 200)
      const refused = await entrepot.get('/v2/team/app/manifests/1', { Authorization: BOB })
      assert.equal(refused.status, 403)
      assert.match(refused.body.toString(), /"DENIED".*do not let bob pull team\/app/)
      assert.equal(refused.headers['www-authenticate'], undefined)
      const push = await entrepot.ask('POST', '/v2/bob/app/blobs/uploads/', { Authorization: ALICE })
      assert.equal(push.status, 403)
    })
  })

  it('that let anonymous pull bring a token service, though only passwords are configured', () =>
    withEntrepot(
      {
        auth: { htpasswd: { realm: 'r', path: htpasswd } },
        access: [
          { who: 'anyone', may: 'pull' },
          { who: 'accounts', may: 'push' },
        ],
      },
      async (entrepot) => {
        await pushImage(entrepot, 'app', '1', ALICE)
        const { 'www-authenticate': challenge } = (await entrepot.get('/v2/')).headers
        assert.match(String(challenge), /^Bearer realm="http:\/\/127\.0\.0\.1:\d+\/token"/)
        assert.equal(await statusOf(entrepot, '/v2/', ALICE), 200)
        assert.equal(await statusOf(entrepot, '/v2/app/manifests/1'), 200)
        assert.equal(await statusOf(entrepot, '/v2/app/manifests/1', STRANGER), 200)
      },
    ))
})

describe('without auth', () => {
  it('whatever is sent to log in with means nothing', () =>
    withEntrepot({}, async (entrepot) => {
      await pushImage(entrepot, 'app', '1')
      for (const authorization of [undefined, ALICE, 'Bearer x', 'Nonsense'])
        for (const path of ['/v2/', '/v2/_catalog', '/v2/app/manifests/1'])
          assert.equal(await statusOf(entrepot, path, authorization), 200, `${path} ${authorization}`)
    }))

  it('a line at the start says what that means for the account at an upstream', async () => {
    const hub = await startScriptedUpstream()
    const { log, lines } = keepLog()
    const proxy = { remoteurl: hub.url, username: 'mirror', password: 'x' }
    await withEntrepot({ proxy }, async () => {}, log)
    await hub.close()
    assert.ok(lines.some((line) => /whoever reaches this registry may pull what its account at/.test(line)))
  })
})

describe('auth.token', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const settings = async () => {
    const jwks = join(folder, 'jwks.json')
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k' }
    await writeFile(jwks, JSON.stringify({ keys: [jwk] }))
    return { realm: 'https://auth.example/token', service: 'registry', issuer: 'auth', jwks }
  }
  const sign = (access: object[], audience = 'registry') =>
    new SignJWT({ access })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer('auth')
      .setAudience(audience)
      .setSubject('carol')
      .setExpirationTime('5m')
      .sign(privateKey)
  const grant = (name: string, ...actions: string[]) => ({ type: 'repository', name, actions })

  it('sends clients to that service, and lets in whom it sends back', async () => {
    await withEntrepot({ auth: { token: await settings() } }, async (entrepot) => {
      const { 'www-authenticate': challenge } = (await entrepot.get('/v2/app/tags/list')).headers
      assert.equal(
        challenge,
        'Bearer realm="https://auth.example/token",service="registry",scope="repository:app:pull"',
      )
      const push = `Bearer ${await sign([grant('app', 'pull', 'push')])}`
      await pushImage(entrepot, 'app', '1', push)
      const pull = `Bearer ${await sign([grant('app', 'pull')])}`
      assert.equal(await statusOf(entrepot, '/v2/app/manifests/1', pull), 200)
      const denied = await entrepot.ask('DELETE', '/v2/app/manifests/1', { Authorization: pull })
      assert.equal(denied.status, 401)
      assert.match(String(denied.headers['www-authenticate']), /scope="repository:app:delete",error="insuff/)
      const foreign = `Bearer ${await sign([grant('app', 'pull')], 'other')}`
      const invalid = await entrepot.get('/v2/app/manifests/1', { Authorization: foreign })
      assert.match(String(invalid.headers['www-authenticate']), /error="invalid_token"$/)
      const catalog = `Bearer ${await sign([{ type: 'registry', name: 'catalog', actions: ['*'] }])}`
      const listed = await entrepot.get('/v2/_catalog', { Authorization: catalog })
      assert.deepEqual(listed.json(), { repositories: ['app'] })
      assert.equal(await statusOf(entrepot, '/v2/', ALICE), 401)
      assert.equal(await statusOf(entrepot, '/token'), 404)
    })
  })

  it('with autoredirect names a realm on the host that was asked, by https', async () => {
    const { realm: _, ...rest } = await settings()
    const auth = { token: { ...rest, autoredirect: true, autoredirectpath: '/auth/' } }
    await withEntrepot({ auth }, async (entrepot) => {
      const { 'www-authenticate': challenge } = (await entrepot.get('/v2/')).headers
      assert.equal(
        challenge,
        `Bearer realm="${entrepot.url.replace('http', 'https')}/auth/",service="registry"`,
      )
    })
  })

  it('does not start with keys that make no sense', async () => {
    const token = await settings()
    await writeFile(token.jwks, 'nonsense')
    assert.ok((await readFile(token.jwks)).length > 0)
    await assert.rejects(startEntrepot({ config: { auth: { token } } }), /auth\.token: .*jwks\.json: /)
  })
})
