import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { hashSync } from 'bcryptjs'
import { PasswordPool, PasswordPoolBusyError } from '../../src/access/password-pool.ts'

// `htpasswd -nbB -C 5 docker secret`: the kind ($2y$) that people's files hold.
const FROM_HTPASSWD = '$2y$05$5DNShFvqi4rs.H4IAlil4eAun.q3ZHkKRhy6Xt6vxjQw2/2zerzI.'

describe('PasswordPool', () => {
  const pool = new PasswordPool()
  after(() => pool.close())

  it('tells the right password from a wrong one, for each kind of bcrypt', async () => {
    const hash = hashSync('secret', 4)
    for (const kind of ['$2a$', '$2b$', '$2y$']) {
      const asKind = hash.replace(/^\$2[aby]\$/, kind)
      assert.equal(await pool.verify('secret', asKind), true, kind)
      assert.equal(await pool.verify('Secret', asKind), false, kind)
      assert.equal(await pool.verify('', asKind), false, kind)
    }
    assert.equal(await pool.verify('secret', FROM_HTPASSWD), true)
  })

  it('sees 72 bytes of a password and no more, as bcrypt does', async () => {
    const hash = hashSync('x'.repeat(72), 4)
    assert.equal(await pool.verify(`${'x'.repeat(72)}y`, hash), true)
    assert.equal(await pool.verify('x'.repeat(71), hash), false)
  })

  it('does not hold up the event loop', async () => {
    const hash = hashSync('secret', 11)
    let turns = 0
    const timer = setInterval(() => {
      turns++
    }, 1)
    await pool.verify('secret', hash)
    clearInterval(timer)
    // On the loop's own thread the check would have left it no turn at all.
    assert.ok(turns >= 2, `${turns} turns`)
  })

  it('refuses at once when too many wait, and goes on afterwards', async () => {
    const hash = hashSync('secret', 4)
    const answers = await Promise.allSettled(Array.from({ length: 80 }, () => pool.verify('secret', hash)))
    const refused = answers.filter((answer) => answer.status === 'rejected')
    assert.ok(refused.length >= 10, `${refused.length} refused`)
    for (const { reason } of refused) assert.ok(reason instanceof PasswordPoolBusyError)
    assert.ok(answers.every((answer) => answer.status === 'rejected' || answer.value))
    assert.equal(await pool.verify('secret', hash), true)
  })

  it('fails what waits when it is closed', async () => {
    const closing = new PasswordPool()
    const checks = Promise.allSettled(Array.from({ length: 5 }, () => closing.verify('x', hashSync('y', 10))))
    await closing.close()
    assert.ok((await checks).every((check) => check.status === 'rejected'))
  })
})
