import assert from 'node:assert/strict'
import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { editFile } from '../../src/commands/write-file.ts'
import { runEntrepot } from '../support/command.ts'

describe('entrepot user', () => {
  let cwd = ''
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'entrepot-user-'))
  })
  after(() => rm(cwd, { recursive: true }))

  const user = (args: string, input = '') => runEntrepot(['user', ...args.split(' ')], { cwd, input })

  it('adds, checks, lists and removes an account of a file that it makes', async () => {
    const added = await user('add alice --cost 5 -f htpasswd', 'secret\n')
    assert.deepEqual(added, { code: 0, stdout: 'alice may log in (htpasswd)\n', stderr: '' })
    assert.equal((await stat(join(cwd, 'htpasswd'))).mode & 0o777, 0o600)
    assert.equal((await user('check alice -f htpasswd', 'secret\n')).code, 0)
    const wrong = await user('check alice -f htpasswd', 'Secret\n')
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /^entrepot: that is not the password of alice\n$/)
    assert.equal((await user('list -f htpasswd')).stdout, 'alice\tbcrypt, cost 5\n')
    assert.equal((await user('remove alice -f htpasswd')).code, 0)
    assert.equal(await readFile(join(cwd, 'htpasswd'), 'utf8'), '')
    assert.match((await user('remove alice -f htpasswd')).stderr, /there is no account alice/)
  })

  it('takes the file from the configuration, and keeps its comments, foreign lines and mode', async () => {
    const path = join(cwd, 'people')
    await writeFile(path, '# people\nold:$apr1$a$b\n\nlast:line')
    await chmod(path, 0o640)
    await writeFile(
      join(cwd, 'config.yml'),
      `version: 0.1\nstorage: {filesystem: {}}\nauth: {htpasswd: {realm: r, path: ${path}}}\n`,
    )
    assert.equal((await user('add bob -c config.yml', 'secret')).code, 0)
    const text = await readFile(path, 'utf8')
    assert.match(text, /^# people\nold:\$apr1\$a\$b\n\nlast:line\nbob:\$2b\$10\$.{53}\n$/)
    assert.equal((await stat(path)).mode & 0o777, 0o640)
    assert.match((await user('check old -c config.yml', 'x\n')).stderr, /old cannot log in: its hash is MD5/)
  })

  it('refuses what the file cannot hold, and says which file is missing', async () => {
    await writeFile(join(cwd, 'bare.yml'), 'version: 0.1\nstorage: {filesystem: {}}\n')
    await writeFile(join(cwd, 'damaged'), '# x\nno colon\n')
    for (const [args, input, message] of [
      ['add a:b -f htpasswd', 'x\n', /colon/],
      ['add alice -f htpasswd', '', /no password on the standard input/],
      ['add alice -f htpasswd', `${'x'.repeat(73)}\n`, /72 bytes/],
      ['add alice --cost 31 -f htpasswd', 'x\n', /--cost must be from 5 to 16/],
      ['add alice -c bare.yml', 'x\n', /which file\?/],
      ['list -f none', '', /ENOENT/],
      ['list -f damaged', '', /damaged: line 2 is not of the form/],
    ] as const) {
      const { code, stderr } = await user(args, input)
      assert.equal(code, 1, args)
      assert.match(stderr, message)
      assert.equal(stderr.trim().split('\n').length, 1, 'one line, and no stack')
    }
  })
})

describe('editFile', () => {
  it('follows a symbolic link, leaves it in place, and leaves nothing else behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-edit-'))
    try {
      await writeFile(join(folder, 'target'), 'one')
      await symlink('target', join(folder, 'link'))
      await editFile(join(folder, 'link'), (text) => `${text} two`)
      assert.equal(await readFile(join(folder, 'target'), 'utf8'), 'one two')
      assert.ok((await lstat(join(folder, 'link'))).isSymbolicLink())
      await assert.rejects(
        editFile(join(folder, 'link'), () => {
          throw new Error('no')
        }),
      )
      assert.deepEqual((await readdir(folder)).sort(), ['link', 'target'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
