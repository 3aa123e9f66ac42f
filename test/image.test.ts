import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DEFAULT_FILES } from '../src/config/load.ts'
import { readPage } from '../src/wiring/page.ts'
import { ROOT } from './support/project.ts'

const ENTRYPOINT = join(ROOT, 'config', 'image', 'entrypoint.sh')

const folder = mkdtempSync(join(tmpdir(), 'entrepot-image-'))
after(() => rmSync(folder, { recursive: true }))

// stands for the program: prints how it was called
const STAND_IN = join(folder, 'registry')
writeFileSync(STAND_IN, '#!/bin/sh\necho registry "$@"\n')
chmodSync(STAND_IN, 0o755)

test("the image's entry point takes arguments as that of registry:2 does", () => {
  const rows: readonly (readonly [string[], string])[] = [
    [['/etc/docker/registry/config.yml'], 'registry serve /etc/docker/registry/config.yml'],
    [['/config.yaml'], 'registry serve /config.yaml'],
    [['serve', '/config.yml'], 'registry serve /config.yml'],
    [['serve', '/config'], 'registry serve /config'],
    [['garbage-collect', '-m', '/config.yml'], 'registry garbage-collect -m /config.yml'],
    [['--version'], 'registry --version'],
    [['help'], 'registry help'],
    [['config'], 'registry config'],
    [['registry', 'serve'], 'registry serve'],
    [['echo', 'a  b', '$HOME'], 'a  b $HOME'],
  ]
  const env = { PATH: `${folder}:${process.env.PATH}` }
  for (const [args, command] of rows)
    assert.equal(execFileSync('sh', [ENTRYPOINT, ...args], { env, encoding: 'utf8' }), `${command}\n`)
})

test('the image has the paths, the port and the user of registry:2', () => {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  const wanted = [
    'ENTRYPOINT ["/entrypoint.sh"]',
    'CMD ["/etc/docker/registry/config.yml"]',
    'VOLUME ["/var/lib/registry"]',
    'EXPOSE 5000',
    ' /bin/registry\n',
    'UV_THREADPOOL_SIZE=16',
    'ENTREPOT_AS_OWNER=1',
    ...DEFAULT_FILES,
  ]
  for (const text of wanted) assert.ok(dockerfile.includes(text), text)
  assert.doesNotMatch(dockerfile, /^USER /m)
})

test('what the image is built from is there and is sent to the build', () => {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  const sent = new Set(
    readFileSync(join(ROOT, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1)),
  )
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
    (names ?? '').split(' '),
  )
  assert.ok(sources.length > 5)
  for (const name of sources) {
    assert.ok(sent.has(name.replace(/^\.\//, '').split('/')[0] ?? ''), `${name} is left out by .dockerignore`)
    assert.doesNotThrow(() => execFileSync('test', ['-e', join(ROOT, name)]), `${name} is not there`)
  }
})

test('what is built from the source, and so the image, has the files of the page beside the program', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const copy = /cp -R src\/page dist\/page/.exec(scripts.build)?.[0] ?? assert.fail(scripts.build)
  execFileSync('sh', ['-c', copy.replace('dist', folder)], { cwd: ROOT })
  for (const [name, bytes] of readPage()) assert.deepEqual(readFileSync(join(folder, 'page', name)), bytes)
})
