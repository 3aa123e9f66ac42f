import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runEntrepot } from '../support/command.ts'

const CONFIG = `
version: 0.1
storage: {filesystem: {}}
proxy: {remoteurl: 'https://registry-1.docker.io'}
local: {repositories: ['team/**']}
auth: {htpasswd: {realm: r, path: htpasswd}, token: {entrepot: true}}
access: mirror
`

describe('entrepot access explain', () => {
  let cwd = ''
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'entrepot-explain-'))
    await writeFile(join(cwd, 'config.yml'), CONFIG)
    await writeFile(join(cwd, 'htpasswd'), '')
  })
  after(() => rm(cwd, { recursive: true }))

  const explain = (args: string) =>
    runEntrepot(['access', 'explain', ...args.split(' '), '-c', 'config.yml'], { cwd })

  for (const [args, pattern] of [
    ['anonymous pull team/app', /^anonymous may not pull team\/app \(local\): no rule of access fits.*\n$/],
    [
      'anonymous pull library/alpine',
      /^anonymous may pull library\/alpine \(mirrored\): rule 1 .*\nanonymous may not pull library\/alpine \(local\)/,
    ],
    ['alice push team/app', /^alice may push team\/app \(local\): rule 2 .*\nnote: alice is no account/],
    [
      'alice push acme/app',
      /^alice may push acme\/app \(local\): rule 2 [^\n]*\nnote: alice is no account[^\n]*\n$/,
    ],
    ['anonymous push team/app', /note: local\.push is accounts, so anonymous may not push/],
  ] as const)
    it(`answers for ${args}`, async () => {
      const { code, stdout, stderr } = await explain(args)
      assert.equal(code, 0, stderr)
      assert.match(stdout, pattern)
    })

  it('refuses an action or a name that there is not', async () => {
    assert.match((await explain('alice write team/app')).stderr, /write is none of pull, push, delete/)
    assert.match((await explain('alice pull Team/App')).stderr, /Team\/App is no name of a repository/)
  })
})
