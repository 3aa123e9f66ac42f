import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compareSync, hashSync } from 'bcryptjs'
import { HtpasswdAccounts } from '../../src/access/accounts.ts'
import { GuessLimiter } from '../../src/access/guessing.ts'
import { Htpasswd, provisionHtpasswd } from '../../src/access/htpasswd.ts'
import type { UnusableLine } from '../../src/access/htpasswd-file.ts'
import { PasswordPool, PasswordPoolBusyError } from '../../src/access/password-pool.ts'

const ADDRESS = '192.0.2.1'
const ALICE = `alice:${hashSync('right', 4)}`

/** Counts what is computed, and lets a test hold it up. */
class CountingPool extends PasswordPool {
  readonly hashes: string[] = []
  isBusy = false

  override async verify(password: string, hash: string): Promise<boolean> {
    if (this.isBusy) throw new PasswordPoolBusyError('busy')
    this.hashes.push(hash)
    return super.verify(password, hash)
  }
}

describe('HtpasswdAccounts', () => {
  let folder = ''
  const pools: CountingPool[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-accounts-'))
  })
  after(async () => {
    await Promise.all(pools.map((pool) => pool.close()))
    await rm(folder, { recursive: true })
  })

  const setUp = async (text = `${ALICE}\n`) => {
    const path = join(folder, `htpasswd-${pools.length}`)
    await writeFile(path, text)
    const clock = { nowMs: 1_000_000 }
    const now = () => clock.nowMs
    const pool = new CountingPool()
    pools.push(pool)
    const unusable: UnusableLine[] = []
    const problems: string[] = []
    const htpasswd = await Htpasswd.open({
      path,
      pool,
      now,
      onUnusable: (lines) => unusable.push(...lines),
      onProblem: (error) => problems.push(error.message),
    })
    const accounts = new HtpasswdAccounts(htpasswd, new GuessLimiter(now), now)
    const rewrite = async (changed: string) => {
      await writeFile(path, changed)
      clock.nowMs += 1000
    }
    const kind = async (account: string, password: string, address = ADDRESS) =>
      (await accounts.check(account, password, address)).kind
    return { clock, pool, accounts, kind, rewrite, unusable, problems }
  }

  it('knows the right password, and neither a wrong one, nor another name, nor a name of JavaScript', async () => {
    const { kind } = await setUp()
    assert.equal(await kind('alice', 'right'), 'right')
    assert.equal(await kind('alice', 'wrong'), 'wrong')
    assert.equal(await kind('Alice', 'right'), 'wrong')
    assert.equal(await kind('__proto__', 'right'), 'wrong')
    assert.equal(await kind('', ''), 'wrong')
  })

  it('computes once for a password that is sent with every request, right or wrong', async () => {
    const { kind, pool, clock } = await setUp()
    await Promise.all([kind('alice', 'right'), kind('alice', 'right')])
    await kind('alice', 'right')
    assert.equal(pool.hashes.length, 1)
    for (let i = 0; i < 20; i++) assert.equal(await kind('alice', 'hub password'), 'wrong')
    assert.equal(pool.hashes.length, 2)
    clock.nowMs += 5 * 60_000 + 1
    await kind('alice', 'right')
    assert.equal(pool.hashes.length, 3)
  })

  it('does the work for an account that is not there, at the cost that the file has', async () => {
    const { kind, pool } = await setUp(
      `${ALICE}\nbob:${hashSync('x', 5)}\ncarol:${hashSync('x', 5)}\nold:{SHA}x\n`,
    )
    await kind('nobody', 'x')
    await kind('old', 'x')
    assert.deepEqual(
      pool.hashes.map((hash) => hash.slice(0, 7)),
      ['$2b$05$', '$2b$05$'],
    )
  })

  it('takes a changed file up within a second: a new password, a removed account', async () => {
    const { kind, accounts, rewrite } = await setUp()
    assert.equal(await kind('alice', 'right'), 'right')
    const before = await accounts.stamp('alice')
    await rewrite(`alice:${hashSync('changed', 4)}\n`)
    assert.equal(await kind('alice', 'right'), 'wrong')
    assert.equal(await kind('alice', 'changed'), 'right')
    assert.notEqual(await accounts.stamp('alice'), before)
    await rewrite('')
    assert.equal(await kind('alice', 'changed'), 'wrong')
    assert.equal(await accounts.stamp('alice'), undefined)
  })

  it('keeps the accounts while the file is broken, and says which line', async () => {
    const { kind, rewrite, problems } = await setUp()
    await rewrite('alice')
    assert.equal(await kind('alice', 'right'), 'right')
    assert.match(problems[0] ?? '', /htpasswd-\d+: line 1/)
  })

  it('names accounts whose hash is of another kind', async () => {
    const { kind, unusable } = await setUp(`${ALICE}\nold:$apr1$a$b\n`)
    assert.deepEqual(unusable, [{ account: 'old', kind: 'MD5 (apr1)' }])
    assert.equal(await kind('old', '$apr1$a$b'), 'wrong')
  })

  it('slows guesses down with 429 and Retry-After, not the right password from elsewhere, nor one known already', async () => {
    const { kind, accounts, pool } = await setUp()
    assert.equal(await kind('alice', 'right'), 'right')
    for (let i = 0; i < 5; i++) assert.equal(await kind('alice', `guess ${i}`), 'wrong')
    const computed = pool.hashes.length
    const answer = await accounts.check('alice', 'guess 6', ADDRESS)
    assert.equal(answer.kind, 'later')
    if (answer.kind !== 'later') return
    assert.equal(answer.error.status, 429)
    assert.equal(answer.error.headers['Retry-After'], '1')
    assert.equal(pool.hashes.length, computed)
    assert.equal(await kind('alice', 'right'), 'right', 'who is logged in stays so')
    assert.equal(await kind('alice', 'right', '192.0.2.2'), 'right')
  })

  it('counts guesses that are made at once', async () => {
    const { kind, pool } = await setUp()
    const kinds = await Promise.all(Array.from({ length: 30 }, (_, i) => kind('alice', `guess ${i}`)))
    assert.equal(kinds.filter((each) => each === 'later').length, 25)
    assert.equal(pool.hashes.length, 5)
  })

  it('answers 503 with Retry-After where too many passwords wait, without counting a guess', async () => {
    const { kind, accounts, pool } = await setUp()
    pool.isBusy = true
    for (let i = 0; i < 10; i++) {
      const answer = await accounts.check('alice', 'right', ADDRESS)
      assert.equal(answer.kind, 'later')
      if (answer.kind !== 'later') return
      assert.equal(answer.error.code, 'UNAVAILABLE')
      assert.ok(Number(answer.error.headers['Retry-After']) > 0)
    }
    pool.isBusy = false
    assert.equal(await kind('alice', 'right'), 'right')
  })
})

describe('provisionHtpasswd', () => {
  it('makes a missing file with one account that can log in, readable by its owner alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-provision-'))
    try {
      const path = join(folder, 'auth', 'htpasswd')
      const made = await provisionHtpasswd(path)
      assert.equal(made?.account, 'docker')
      assert.ok((made?.password.length ?? 0) >= 32)
      assert.equal((await stat(path)).mode & 0o777, 0o600)
      const text = await readFile(path, 'utf8')
      const [account, hash = ''] = text.trim().split(':')
      assert.equal(account, 'docker')
      assert.ok(compareSync(made?.password ?? '', hash))
      assert.equal(await provisionHtpasswd(path), undefined)
      assert.equal(await readFile(path, 'utf8'), text)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
