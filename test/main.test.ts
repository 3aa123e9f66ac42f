import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../src/config/load.ts'
import { printConfig } from '../src/config/print.ts'
import { MAIN, NODE_OPTIONS, ROOT } from './support/project.ts'

const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version

const folder = mkdtempSync(join(tmpdir(), 'entrepot-main-'))
after(() => rmSync(folder, { recursive: true }))

const nodeArguments = (program: string, args: readonly string[]) => [...NODE_OPTIONS, program, ...args]

const ENV = { PATH: process.env.PATH }

/** What a command line prints, and how it ends. */
const run = (args: readonly string[], env: Record<string, string> = {}, program = MAIN) => {
  const options = { encoding: 'utf8', env: { ...ENV, ...env }, cwd: folder } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, nodeArguments(program, args), options)
  return { status, stdout, stderr }
}

const writeConfig = (name: string, yaml: string): string => {
  const file = join(folder, name)
  writeFileSync(
    file,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${join(folder, 'store')}}}\n${yaml}`,
  )
  return file
}

test('the program tells its version, also under the name that scripts call', () => {
  const registry = join(folder, 'registry')
  symlinkSync(MAIN, registry)
  for (const option of ['--version', '-v']) {
    assert.deepEqual(run([option]), { status: 0, stdout: `entrepot ${VERSION}\n`, stderr: '' })
    assert.equal(run([option], {}, registry).stdout, `registry entrepot ${VERSION}\n`)
  }
})

test('help names every command', () => {
  const { status, stdout } = run(['--help'])
  assert.equal(status, 0)
  for (const name of ['serve', 'config', 'health']) assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
})

test('config prints what is in effect, and its warnings beside it', () => {
  const file = writeConfig(
    'printed.yml',
    'proxy: {remoteurl: "https://registry-1.docker.io", password: hidden}',
  )
  const env = { REGISTRY_HTTP_ADDR: ':1', REGISTRY_PORT: 'tcp://x' }
  const { status, stdout, stderr } = run(['config', file], env)
  assert.equal(status, 0)
  assert.equal(stdout, `# ${file}\n${printConfig(loadConfig({ file, env }).config)}`)
  assert.match(stdout, /addr: :1/)
  assert.doesNotMatch(stdout, /hidden/)
  assert.equal(stderr, 'warning: REGISTRY_PORT: ignored, there is no such setting\n')
})

test('a mistake is one line and exit code 1', () => {
  const file = writeConfig('wrong.yml', 'http: {adr: x}')
  const line = `entrepot: ${file}: http.adr: unknown key, did you mean http.addr?\n`
  const commands = [['config', file], ['serve', file], [file]]
  for (const args of commands)
    assert.deepEqual(run(args), { status: 1, stdout: '', stderr: line }, args.join(' '))
  assert.deepEqual(run(['config', '/nowhere.yml']), {
    status: 1,
    stdout: '',
    stderr: 'entrepot: /nowhere.yml: cannot be read: there is no such file\n',
  })
})

test('a command line that cannot be understood is exit code 2', () => {
  for (const args of [['--bogus'], ['config', '--bogus'], ['config', 'a', 'b']]) {
    const { status, stdout, stderr } = run(args)
    assert.equal(status, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /^error: /)
  }
})

test('health fails in one line where no server answers', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  await new Promise((resolve) => server.close(resolve))
  const file = writeConfig('health.yml', `http: {debug: {addr: "127.0.0.1:${address.port}"}}`)
  const { status, stderr } = run(['health', file])
  assert.equal(status, 1)
  assert.match(stderr, /^entrepot: the server at 127\.0\.0\.1:\d+ is not well: .*ECONNREFUSED.*\n$/)
})
