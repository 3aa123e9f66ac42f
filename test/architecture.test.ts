/**
 * Who may import whom: what a change of a file may break is what may import it, and nothing else. A new folder takes
 * its place in the table; where a rule is in the way, the rule or the code is wrong, and the commit says which.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { type Architecture, findViolations } from './support/architecture.ts'
import { ROOT } from './support/project.ts'

const ARCHITECTURE: Architecture = {
  top: ['main', 'serve', 'wiring', 'commands'],
  free: ['protocol', 'observe', 'memory', 'lanes', 'duration', 'received'],
  mayImport: {
    http: ['admin', 'access', 'pull', 'push', 'keep', 'notify', 'repository', 'certs'],
    admin: ['pull', 'push', 'keep', 'repository', 'fetch', 'upstream', 'store', 'coordinator'],
    access: ['repository', 'store', 'coordinator', 'certs'],
    pull: ['repository', 'fetch', 'upstream', 'store', 'coordinator'],
    push: ['repository', 'store', 'coordinator'],
    keep: ['repository', 'fetch', 'upstream', 'store', 'coordinator'],
    repository: ['store', 'upstream'],
    fetch: ['store', 'upstream', 'coordinator'],
    upstream: ['coordinator'],
    store: [],
    coordinator: [],
    config: [],
    notify: [],
    privileges: [],
    certs: [],
    protocol: [],
    observe: [],
    memory: [],
    lanes: [],
    duration: [],
    received: [],
    page: [],
  },
  ports: ['store/driver', 'upstream/upstream', 'coordinator/coordinator'],
  mayKnowPorts: ['http', 'access', 'push'],
  // What turns anything that was thrown into an answer, and what a full disk leaves behind into space.
  mayKnowErrors: ['http/errors', 'push/receive'],
  homes: {
    koa: ['http/'],
    '@koa/router': ['http/'],
    undici: ['upstream/', 'notify/', 'commands/'],
    'p-queue': ['upstream/'],
    'prom-client': ['observe/'],
    pino: ['observe/', 'http/access-log.ts'],
    'pino-pretty': ['observe/'],
    jose: ['access/'],
    bcryptjs: ['access/'],
    '@peculiar/x509': ['certs/', 'access/'],
    yaml: ['config/'],
    commander: ['main.ts', 'commands/'],
  },
  // The driver, what is downloaded, the configuration, keys and password files, and who owns the volume.
  files: [
    'main.ts',
    'commands/',
    'wiring/',
    'store/drivers/',
    'store/growing-file.ts',
    'store/uploads.ts',
    'fetch/partials.ts',
    'config/load.ts',
    'config/text-file.ts',
    'access/keys.ts',
    'access/htpasswd.ts',
    'access/reload.ts',
    'http/tls.ts',
    'privileges.ts',
  ],
  pure: { protocol: ['node:crypto'] },
}

/** Writes a project of the given files (path below `src` → its text), and says what is wrong with it. */
const findViolationsIn = async (files: Readonly<Record<string, string>>): Promise<string[]> => {
  const project = await mkdtemp(join(tmpdir(), 'architecture-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(project, 'src', dirname(path)), { recursive: true })
      await writeFile(join(project, 'src', path), text)
    }
    return await findViolations(project, ARCHITECTURE)
  } finally {
    await rm(project, { recursive: true })
  }
}

describe('the source', () => {
  it('imports along the table of who may import whom, and in no circle', async () => {
    assert.deepEqual(await findViolations(ROOT, ARCHITECTURE), [])
  })
})

describe('the check of the source', () => {
  const PORT = 'export interface Upstream {}\nexport class UpstreamError extends Error {}\n'

  const fine: [what: string, files: Record<string, string>][] = [
    ['a file of the same folder', { 'pull/a.ts': "import './b.ts'", 'pull/b.ts': '' }],
    ['what the table allows', { 'pull/a.ts': "import '../fetch/b.ts'", 'fetch/b.ts': '' }],
    [
      'protocol and observe',
      {
        'http/a.ts': "import '../protocol/b.ts'\nimport '../observe/b.ts'",
        'protocol/b.ts': '',
        'observe/b.ts': '',
      },
    ],
    [
      'everything from serve',
      { 'serve.ts': "import './http/a.ts'\nimport './config/a.ts'", 'http/a.ts': '', 'config/a.ts': '' },
    ],
    [
      'a port as a type',
      {
        'http/a.ts': "import type { Upstream } from '../upstream/upstream.ts'\nexport type A = Upstream",
        'upstream/upstream.ts': PORT,
      },
    ],
    ['a package at home', { 'http/a.ts': "import 'koa'", 'store/drivers/a.ts': "import 'node:fs/promises'" }],
    ['node:crypto from protocol', { 'protocol/a.ts': "import 'node:crypto'" }],
  ]
  for (const [what, files] of fine)
    it(`lets ${what} pass`, async () => {
      assert.deepEqual(await findViolationsIn(files), [])
    })

  const broken: [files: Record<string, string>, message: RegExp][] = [
    [
      { 'http/a.ts': "import '../store/b.ts'", 'store/b.ts': '' },
      /^src\/http\/a\.ts imports src\/store\/b\.ts: http may import admin, access, pull/,
    ],
    [
      { 'pull/a.ts': "import '../push/b.ts'", 'push/b.ts': '' },
      /^src\/pull\/a\.ts imports src\/push\/b\.ts: pull may/,
    ],
    [
      { 'store/a.ts': "import '../serve.ts'", 'serve.ts': '' },
      /^src\/store\/a\.ts imports src\/serve\.ts: store may/,
    ],
    [
      { 'repository.ts': "import './config/b.ts'", 'config/b.ts': '' },
      /^src\/repository\.ts imports src\/config\/b\.ts: repository may/,
    ],
    [
      { 'observe/a.ts': "import '../protocol/b.ts'", 'protocol/b.ts': '' },
      /^src\/observe\/a\.ts .*: observe may import nothing of ours/,
    ],
    [
      { 'protocol/a.ts': "import '../observe/b.ts'", 'observe/b.ts': '' },
      /^src\/protocol\/a\.ts .*: protocol may import nothing of ours/,
    ],
    [
      { 'fetch/a.ts': "export const b = () => import('../pull/b.ts')", 'pull/b.ts': '' },
      /^src\/fetch\/a\.ts imports src\/pull\/b\.ts/,
    ],
    [
      {
        'fetch/a.ts': "import type { B } from '../pull/b.ts'\nexport type A = B",
        'pull/b.ts': 'export type B = 1',
      },
      /^src\/fetch\/a\.ts imports src\/pull\/b\.ts/,
    ],
    [
      { 'fetch/a.ts': "export * from '../pull/b.ts'", 'pull/b.ts': 'export type B = 1' },
      /^src\/fetch\/a\.ts imports src\/pull\/b\.ts/,
    ],
    [
      {
        'http/a.ts': "import { UpstreamError } from '../upstream/upstream.ts'\nthrow new UpstreamError()",
        'upstream/upstream.ts': PORT,
      },
      /^src\/http\/a\.ts imports src\/upstream\/upstream\.ts: .* as a type only/,
    ],
    [{ 'pull/a.ts': "import 'koa'" }, /^src\/pull\/a\.ts imports .*koa.*: koa is at home in http/],
    [
      { 'fetch/a.ts': "import { request } from 'undici'\nrequest('')" },
      /^src\/fetch\/a\.ts imports .*undici.*: undici is at home in upstream/,
    ],
    [{ 'store/a.ts': "import 'node:fs'" }, /^src\/store\/a\.ts imports fs: node:fs is at home/],
    [{ 'store/a.ts': "import 'fs/promises'" }, /^src\/store\/a\.ts imports fs\/promises: node:fs is at home/],
    [{ 'protocol/a.ts': "import 'node:os'" }, /^src\/protocol\/a\.ts imports os: protocol is pure/],
    [
      { 'protocol/a.ts': "import 'lru-cache'" },
      /^src\/protocol\/a\.ts imports .*lru-cache.*: protocol is pure/,
    ],
    [{ 'utils/a.ts': '' }, /^src\/utils\/a\.ts has no place in the table/],
    [
      { 'store/a.ts': "import './b.ts'", 'store/b.ts': "import './a.ts'" },
      /^src\/store\/a\.ts imports src\/store\/b\.ts, which imports src\/store\/a\.ts: no file may import itself/,
    ],
  ]
  for (const [files, message] of broken)
    it(`finds that ${Object.keys(files)[0]} says ${Object.values(files)[0]?.split('\n')[0] || 'nothing'}`, async () => {
      const [violation, ...others] = await findViolationsIn(files)
      assert.match(violation ?? 'nothing is wrong', message)
      assert.ok(others.length === 0 || files['store/b.ts'] !== undefined, others.join('\n'))
    })
})
