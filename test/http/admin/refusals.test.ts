/** What every admin call refuses, made from the table of operations: no operation can be forgotten. */
import assert from 'node:assert/strict'
import { rm, stat } from 'node:fs/promises'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Operation } from '../../../src/http/admin/operation.ts'
import { OPERATIONS } from '../../../src/http/admin/operations.ts'
import { type OperationName, readAdminToken, toRequest } from '../../support/admin.ts'
import { type Answer, makeFolder, startEntrepot, type TestEntrepot } from '../../support/entrepot.ts'
import { ALICE, BOB, STRANGER, writeAccounts } from '../accounts.ts'
import { EXAMPLES } from './examples.ts'

type Headers = Record<string, string>

/** What a request says other than it should. */
interface Changes {
  readonly headers?: Headers
  readonly path?: (path: string) => string
  readonly body?: Readonly<Record<string, unknown>>
  readonly url?: string
}

let folder: string
let entrepot: TestEntrepot
let login: Headers

before(async () => {
  folder = await makeFolder()
  entrepot = await startEntrepot({
    config: {
      auth: { htpasswd: { realm: 'test', path: await writeAccounts(folder) } },
      admin: { users: ['alice'] },
      http: { debug: { addr: '0.0.0.0:0' } },
    },
  })
  login = { Authorization: `Bearer ${await readAdminToken(entrepot.root)}` }
})

after(async () => {
  await entrepot.stop()
  await rm(folder, { recursive: true })
})

const JSON_TYPE = { 'Content-Type': 'application/json' }

const urlOn = (address: string): string => `http://${address}:${new URL(entrepot.debugUrl).port}`

/** Calls an operation as its example says, apart from the changes. */
const call = async (name: OperationName, { headers = {}, path, body, url }: Changes): Promise<Answer> => {
  const example = EXAMPLES[name]
  const request = toRequest(name, { ...example, body: { ...example.body, ...body } })
  const hasBody = request.method !== 'GET' && (example.body !== undefined || body !== undefined)
  return entrepot.ask(
    request.method,
    `${url ?? urlOn('127.0.0.1')}${path?.(request.path) ?? request.path}`,
    { ...(hasBody && JSON_TYPE), ...headers },
    hasBody ? request.body : undefined,
  )
}

const assertRefused = (answer: Answer, status: number, code: string, message: RegExp): void => {
  assert.equal(answer.status, status, answer.body.toString())
  const { errors } = answer.json() as { errors: { code: string; message: string }[] }
  assert.equal(errors[0]?.code, code)
  assert.match(errors[0]?.message ?? '', message)
  assert.equal(answer.headers['cache-control'], 'no-store')
}

const withQuery = (more: string) => (path: string) => `${path}${path.includes('?') ? '&' : '?'}${more}`

/** An address of this machine that is not loopback, where it has one. */
const outerAddress = Object.values(networkInterfaces())
  .flatMap((infos: NetworkInterfaceInfo[] = []) => infos)
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

const operations = Object.entries(OPERATIONS) as [OperationName, Operation][]
const changing = operations.filter(([, { method }]) => method !== 'get')
const guarded = operations.filter(([, { access }]) => access === 'admin')

describe('every operation', () => {
  for (const [name, operation] of operations) {
    it(`refuses an unknown parameter: ${name}`, async () => {
      const headers = { ...login, ...JSON_TYPE }
      const answer = await call(name, { headers, path: withQuery('nonsense=1') })
      assertRefused(answer, 400, 'UNSUPPORTED', /unknown: nonsense/)
    })

    it(`refuses a page of another site: ${name}`, async () => {
      const pages: Headers[] = [{ Origin: 'http://elsewhere.example' }, { 'Sec-Fetch-Site': 'cross-site' }]
      for (const page of pages)
        assertRefused(
          await call(name, { headers: { ...login, ...JSON_TYPE, ...page } }),
          403,
          'DENIED',
          /pages of other sites/,
        )
    })

    it(`refuses a name that DNS was made to lead here: ${name}`, async () => {
      const headers = { ...login, ...JSON_TYPE, Host: 'rebound.example:5001' }
      assertRefused(await call(name, { headers }), 403, 'DENIED', /not to rebound\.example/)
    })

    for (const [place, schema] of [
      ['parameters', operation.parameters],
      ['body', operation.body],
    ] as const)
      if ('repository' in schema.shape)
        it(`refuses a bad name of a repository: ${name}`, async () => {
          const bad = 'Not/A Name'
          const changes =
            place === 'body'
              ? { body: { repository: bad } }
              : {
                  path: (path: string) =>
                    path.replace(/repository=[^&]+/, `repository=${encodeURIComponent(bad)}`),
                }
          const answer = await call(name, { headers: { ...login, ...JSON_TYPE }, ...changes })
          assertRefused(answer, 400, 'NAME_INVALID', /repository: invalid repository name/)
        })
  }
})

describe('every operation that changes something', () => {
  for (const [name] of changing) {
    it(`refuses an unknown field: ${name}`, async () => {
      const answer = await call(name, { headers: { ...login, ...JSON_TYPE }, body: { nonsense: 1 } })
      assertRefused(answer, 400, 'UNSUPPORTED', /unknown: nonsense/)
    })

    it(`refuses what a form of another page can send: ${name}`, async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
        assertRefused(
          await call(name, { headers: { ...login, 'Content-Type': type } }),
          415,
          'UNSUPPORTED',
          /Content-Type: application\/json/,
        )
    })
  }
})

describe('every operation of admins', () => {
  for (const [name] of guarded) {
    it(`refuses a call without a login: ${name}`, async () => {
      const answer = await call(name, { headers: JSON_TYPE })
      assertRefused(answer, 401, 'UNAUTHORIZED', /admin token.*admin\.users/)
      assert.equal(answer.headers['www-authenticate'], 'Basic realm="entrepot admin"')
    })

    it(`refuses a wrong token: ${name}`, async () => {
      const headers = { ...JSON_TYPE, Authorization: 'Bearer 0123456789' }
      assertRefused(await call(name, { headers }), 401, 'UNAUTHORIZED', /wrong admin token/)
    })

    it(`refuses an account of a stranger: ${name}`, async () => {
      const headers = { ...JSON_TYPE, Authorization: STRANGER }
      assertRefused(await call(name, { headers }), 401, 'UNAUTHORIZED', /wrong password or unknown account/)
    })

    it(`refuses an account that is no admin: ${name}`, async () => {
      const headers = { ...JSON_TYPE, Authorization: BOB }
      assertRefused(await call(name, { headers }), 403, 'DENIED', /bob is no admin/)
    })

    it(`lets an admin's account in: ${name}`, async () => {
      const { status } = await call(name, { headers: { ...JSON_TYPE, Authorization: ALICE } })
      assert.ok(![401, 403].includes(status), String(status))
    })

    it(`refuses a connection that others can read: ${name}`, {
      skip: outerAddress === undefined,
    }, async () => {
      const headers = { ...login, ...JSON_TYPE }
      const answer = await call(name, { headers, url: urlOn(outerAddress ?? '') })
      assertRefused(answer, 403, 'DENIED', /admin\.insecure: true/)
    })
  }
})

describe('what is not an operation', () => {
  it('is 404 below /admin', async () => {
    const answer = await entrepot.get(`${urlOn('127.0.0.1')}/admin/v1/nonsense`, login)
    assert.equal(answer.status, 404)
    assert.equal(answer.headers['cache-control'], 'no-store')
  })

  it('is 405 with another method, and says which there are', async () => {
    const answer = await entrepot.ask('DELETE', `${urlOn('127.0.0.1')}/admin/v1/status`, login)
    assertRefused(answer, 405, 'UNSUPPORTED', /allowed: /)
    assert.match(answer.headers.allow ?? '', /GET/)
  })
})

describe('the admin token', () => {
  it("is a file for its owner's eyes alone, and the same after a restart", async () => {
    const first = await readAdminToken(entrepot.root)
    assert.match(first, /^[0-9a-f]{64}$/)
    const { mode } = await stat(join(entrepot.root, 'entrepot/admin-token'))
    assert.equal(mode & 0o777, 0o600)
    const second = await startEntrepot({ root: entrepot.root })
    try {
      assert.equal(await readAdminToken(second.root), first)
    } finally {
      await second.stop()
    }
  })
})

describe('the drain of the debug listener', () => {
  it('needs no login from this machine, as in distribution', async () => {
    for (const [word, status] of [
      ['down', 503],
      ['up', 200],
    ] as const) {
      const { status: taken } = await entrepot.ask('POST', `${urlOn('127.0.0.1')}/debug/health/${word}`)
      assert.equal(taken, 200)
      assert.equal((await entrepot.get('/readyz')).status, status)
    }
  })

  it('is an admin call from elsewhere', { skip: outerAddress === undefined }, async () => {
    const answer = await entrepot.ask('POST', `${urlOn(outerAddress ?? '')}/debug/health/down`, JSON_TYPE)
    assert.equal(answer.status, 403)
    assert.equal((await entrepot.get('/readyz')).status, 200)
  })

  it('is not for pages of other sites', async () => {
    const headers = { Origin: 'http://elsewhere.example', 'Content-Type': 'text/plain' }
    const answer = await entrepot.ask('POST', `${urlOn('127.0.0.1')}/debug/health/down`, headers)
    assert.equal(answer.status, 403)
    assert.equal((await entrepot.get('/readyz')).status, 200)
  })
})
