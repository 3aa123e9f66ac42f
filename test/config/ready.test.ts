import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { IMAGE_CONFIG } from '../../src/config/image.ts'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'
import { upstreamsOf } from '../../src/config/upstreams.ts'
import { ROOT } from '../support/project.ts'
import { loadText } from './load-text.ts'

const FOLDER = join(ROOT, 'config')

const folder = mkdtempSync(join(tmpdir(), 'entrepot-ready-'))
after(() => rmSync(folder, { recursive: true }))

const PASSWORD_FILE = join(folder, 'password')
writeFileSync(PASSWORD_FILE, 'dckr_pat_x\n')

const load = (name: string, env: Record<string, string> = {}): LoadedConfig =>
  loadConfig({ file: join(FOLDER, name), env })

/** What a ready configuration needs besides itself. */
const ENVIRONMENTS: Readonly<Record<string, Record<string, string>>> = {
  'mirror-with-credentials.yml': { REGISTRY_UPSTREAMS_0_PASSWORDFILE: PASSWORD_FILE },
}

test('every ready configuration is read without a warning', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.yml'))
  assert.ok(names.length >= 5)
  for (const name of names) assert.deepEqual(load(name, ENVIRONMENTS[name]).warnings, [], name)
})

test("the image's file says what holds without any file", () => {
  assert.deepEqual(load('default.yml').config, loadText(IMAGE_CONFIG).config)
})

test('the mirror mirrors Docker Hub and lets anyone push', () => {
  const { config } = load('mirror.yml')
  const [hub] = upstreamsOf(config)
  assert.equal(hub?.host, 'docker.io')
  assert.equal(hub?.remoteurl, 'https://registry-1.docker.io')
  assert.equal(config.local.push, 'anyone')
  assert.match(readFileSync(join(FOLDER, 'mirror.yml'), 'utf8'), /# WHO MAY PUSH/)
})

test('the mirror with credentials pulls with a password from a file', () => {
  const name = 'mirror-with-credentials.yml'
  const upstreams = upstreamsOf(load(name, ENVIRONMENTS[name]).config)
  assert.equal(upstreams.length, 1)
  assert.equal(upstreams[0]?.isDefault, true)
  assert.equal(upstreams[0]?.username, 'mirror-account')
  assert.equal(upstreams[0]?.password, 'dckr_pat_x')
})

test('the mirror with a private registry lets anyone pull and accounts push', () => {
  const { config } = load('mirror-and-private.yml')
  assert.deepEqual(
    config.access?.rules.map(({ who, may, content }) => ({ who, may, content })),
    [
      { who: ['anyone'], may: ['pull'], content: ['mirrored'] },
      { who: ['accounts'], may: ['pull', 'push', 'delete'], content: ['mirrored', 'local', 'private'] },
    ],
  )
  assert.equal(config.auth?.token?.entrepot, true)
})
