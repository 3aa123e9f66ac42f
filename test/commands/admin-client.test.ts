import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { AdminClient, AdminError, NoServerError } from '../../src/commands/admin-client.ts'
import { type AdminOptions, findServer } from '../../src/commands/admin-server.ts'
import { type CommandError, UsageError } from '../../src/commands/command.ts'
import { errorBody, type FakeAdmin, type Reply, startFakeAdmin } from '../support/fake-admin.ts'

describe('the server that a command speaks to', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-admin-'))
    await mkdir(join(folder, 'entrepot'))
    await writeFile(join(folder, 'entrepot/admin-token'), 'of-the-store\n')
    await writeFile(join(folder, 'token'), 'of-the-file\n')
    await writeConfig('config.yml', 'http: {debug: {addr: ":5009"}}')
    await writeConfig('token.yml', 'admin: {token: of-the-config}\nhttp: {debug: {addr: "[::1]:5009"}}')
    await writeFile(
      join(folder, 'fresh.yml'),
      'version: 0.1\nstorage: {filesystem: {rootdirectory: /nowhere}}',
    )
  })
  after(() => rm(folder, { recursive: true }))

  const writeConfig = (name: string, yaml: string) =>
    writeFile(
      join(folder, name),
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}}}\n${yaml}\n`,
    )

  const find = (options: AdminOptions, env: Record<string, string> = {}) =>
    findServer(
      {
        ...options,
        ...(options.config && { config: join(folder, options.config) }),
        ...(options.tokenFile && { tokenFile: join(folder, options.tokenFile) }),
      },
      env,
    )

  const found: [what: string, AdminOptions, env: Record<string, string>, url: string, token: string][] = [
    [
      'is that of the configuration, with the token of its store',
      { config: 'config.yml' },
      {},
      'http://127.0.0.1:5009',
      'of-the-store',
    ],
    ['may have a token of its own', { config: 'token.yml' }, {}, 'http://[::1]:5009', 'of-the-config'],
    [
      'takes the token of the variable before that',
      { config: 'token.yml' },
      { ENTREPOT_ADMIN_TOKEN: 'of-the-variable' },
      'http://[::1]:5009',
      'of-the-variable',
    ],
    [
      'and that of a file before all',
      { config: 'token.yml', tokenFile: 'token' },
      { ENTREPOT_ADMIN_TOKEN: 'of-the-variable' },
      'http://[::1]:5009',
      'of-the-file',
    ],
    [
      'can be named without a configuration',
      { server: 'mirror.example:5001/', tokenFile: 'token' },
      {},
      'http://mirror.example:5001',
      'of-the-file',
    ],
    [
      'can be named as another port of this machine',
      { server: 'https://localhost:7', config: 'config.yml' },
      {},
      'https://localhost:7',
      'of-the-store',
    ],
  ]
  for (const [what, options, env, url, token] of found)
    it(what, async () => {
      const { source: _source, ...server } = await find(options, env)
      assert.deepEqual(server, { url, authorization: `Bearer ${token}` })
    })

  it('elsewhere does not get the token of this machine', async () => {
    const server = await find({ server: 'http://mirror.example:5001', config: 'token.yml' })
    assert.equal(server.authorization, undefined)
    assert.match(server.source, /--token-file/)
  })

  it('has no token where its store has none yet, and says so', async () => {
    const server = await find({ config: 'fresh.yml' })
    assert.equal(server.authorization, undefined)
    assert.equal(server.source, 'there is no /nowhere/entrepot/admin-token')
  })

  it('is refused where it is no address, and where a file that was named is not there', async () => {
    for (const server of ['ftp://x', 'http://', 'http://me:secret@x:5001'])
      await assert.rejects(find({ server }), UsageError)
    await assert.rejects(find({ server: 'x:1', tokenFile: 'none' }), { code: 'ENOENT' })
  })
})

describe('the admin client', () => {
  const failing = async (
    reply: Reply,
    authorization: string | undefined = 'Bearer x',
  ): Promise<{ error: Error; fake: FakeAdmin }> => {
    const fake = await startFakeAdmin({ 'GET /admin/v1/status': reply })
    const client = new AdminClient({ url: fake.url, authorization, source: '/store/admin-token' })
    try {
      return {
        error: await client.get('/status').then(
          () => assert.fail(),
          (error) => error,
        ),
        fake,
      }
    } finally {
      await client.close()
      await fake.stop()
    }
  }

  it('sends its token, a query without what is not said, and JSON', async () => {
    const fake = await startFakeAdmin({
      'GET /admin/v1/repositories': { json: { repositories: [] } },
      'DELETE /admin/v1/pins': {},
    })
    const client = new AdminClient({ url: fake.url, authorization: 'Bearer x', source: '' })
    await client.get('/repositories', { n: 10, filter: 'a/*', last: undefined })
    assert.equal(await client.send('DELETE', '/pins', { repository: 'a' }), undefined)
    await client.close()
    await fake.stop()
    const common = { authorization: 'Bearer x' }
    assert.deepEqual(fake.asked, [
      {
        ...common,
        call: 'GET /admin/v1/repositories?n=10&filter=a%2F*',
        contentType: undefined,
        body: undefined,
      },
      {
        ...common,
        call: 'DELETE /admin/v1/pins',
        contentType: 'application/json',
        body: { repository: 'a' },
      },
    ])
  })

  const refusals: [what: string, Reply, kind: typeof CommandError | typeof AdminError, message: RegExp][] = [
    [
      'a wrong token',
      { status: 401, json: errorBody('UNAUTHORIZED', 'wrong admin token') },
      AdminError,
      /does not accept the token of \/store\/admin-token$/,
    ],
    [
      'what the server says of a plain listener',
      { status: 403, json: errorBody('DENIED', 'only with admin.insecure: true') },
      AdminError,
      /^only with admin\.insecure: true$/,
    ],
    [
      'what the server does not understand, as a mistake of the command line',
      { status: 400, json: errorBody('NAME_INVALID', 'no name') },
      UsageError,
      /^no name$/,
    ],
    [
      'a message with control characters',
      { status: 502, json: errorBody('UNKNOWN', 'up\u001b[2Jstream') },
      AdminError,
      /^up\?\[2Jstream$/,
    ],
    [
      'an entrepot from before there was such a call',
      { status: 404, json: errorBody('NAME_UNKNOWN', 'no such route: see /v2/') },
      AdminError,
      /has no admin API \(404\): another program, or an entrepot older/,
    ],
    ['another program', { status: 404, text: '404 page not found' }, AdminError, /has no admin API \(404\)/],
    ['a page where JSON should be', { text: '<html>' }, AdminError, /has no admin API \(200\)/],
  ]
  for (const [what, reply, kind, message] of refusals)
    it(`tells of ${what}`, async () => {
      const { error } = await failing(reply)
      assert.ok(error instanceof kind, String(error.stack))
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /\n/)
    })

  it('says why it has no token, where one is wanted', async () => {
    const reply = { status: 401, json: errorBody('UNAUTHORIZED', 'x') }
    const fake = await startFakeAdmin({ 'GET /admin/v1/status': reply })
    const client = new AdminClient({ url: fake.url, authorization: undefined, source: 'there is no /t' })
    await assert.rejects(client.get('/status'), /wants the admin token: there is no \/t$/)
    assert.equal(fake.asked[0]?.authorization, undefined)
    await client.close()
    await fake.stop()
  })

  it('says that no server is there, and how to say where one is', async () => {
    const fake = await startFakeAdmin({})
    await fake.stop()
    const client = new AdminClient({ url: fake.url, authorization: undefined, source: '' })
    await assert.rejects(client.get('/status'), (error: Error) => {
      assert.ok(error instanceof NoServerError)
      assert.match(
        error.message,
        /^no server answers at http:\S+ \(connection refused\): is it running\? Say --config/,
      )
      return true
    })
    await client.close()
  })
})
