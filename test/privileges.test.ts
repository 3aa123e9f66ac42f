import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { moduleFile, NODE_OPTIONS } from './support/project.ts'

const MODULE = pathToFileURL(moduleFile('privileges')).href
const SCRIPT = `
import { dropPrivileges } from '${MODULE}'
const user = Number(process.argv[2])
process.setgid(user)
process.setuid(user)
const { uid, warning } = await dropPrivileges(process.argv[1], process.argv[3])
console.log(JSON.stringify({ uid, warning, now: [process.getuid(), process.getgid(), process.getgroups()] }))
`

interface Outcome {
  readonly uid: number
  readonly warning?: string
  readonly now: readonly [uid: number, gid: number, groups: readonly number[]]
}

/** What comes of a process that starts as `user` and has its store in `folder`. */
const drop = (store: string, user = 0, program = folder): Outcome => {
  const args = [...NODE_OPTIONS, '--input-type=module', '-e', SCRIPT, store, String(user), program]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Outcome
}

const folder = mkdtempSync(join(tmpdir(), 'entrepot-owner-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true }))

const makeStore = (name: string, uid: number, gid: number, ...content: string[]): string => {
  const store = join(folder, name)
  mkdirSync(store)
  for (const each of content) writeFileSync(join(store, each), '')
  chownSync(store, uid, gid)
  return store
}

const NEEDS_ROOT = process.getuid?.() === 0 ? {} : { skip: 'needs root' }

test('a volume with an owner is served as that owner', NEEDS_ROOT, () => {
  const store = makeStore('owned', 1234, 2345, 'docker')
  assert.deepEqual(drop(store), { uid: 1234, now: [1234, 2345, [2345]] })
})

test('an empty volume of root is given to 65532', NEEDS_ROOT, () => {
  for (const store of [
    makeStore('empty', 0, 0),
    makeStore('new', 0, 0, 'lost+found'),
    join(folder, 'not', 'there'),
  ]) {
    assert.deepEqual(drop(store), { uid: 65_532, now: [65_532, 65_532, [65_532]] })
    const { uid, gid } = statSync(store)
    assert.deepEqual([uid, gid], [65_532, 65_532])
  }
})

test(
  'a volume of root with content is served as root, which is said with the line that changes it',
  NEEDS_ROOT,
  () => {
    const store = makeStore('root', 0, 0, 'docker')
    const { uid, warning, now } = drop(store)
    assert.deepEqual([uid, now[0]], [0, 0])
    assert.equal(
      warning,
      `${store} belongs to root, so entrepot goes on as root; to change that: chown -R 65532:65532 ${store}`,
    )
    assert.equal(statSync(store).uid, 0)
  },
)

test('who is not root stays who he is, whoever owns the volume', NEEDS_ROOT, () => {
  const store = makeStore('other', 1234, 2345, 'docker')
  const { uid, warning, now } = drop(store, 4321)
  assert.deepEqual([uid, now[0], now[1]], [4321, 4321, 4321])
  assert.equal(warning, undefined)
})

test(
  'an owner who cannot read the program is warned of, since it is not all in memory yet',
  NEEDS_ROOT,
  () => {
    const home = makeStore('home', 0, 0, 'main.js')
    chmodSync(home, 0o700)
    const { uid, warning } = drop(makeStore('served', 1234, 1234, 'docker'), 0, join(home, 'main.js'))
    assert.equal(uid, 1234)
    assert.match(warning ?? '', /user 1234 cannot read the program in .*home, .*chmod a\+rX/)
  },
)
