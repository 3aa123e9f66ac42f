import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, failsWith, ref, TOKENS, withUpstream } from './client.ts'

test(
  'a token is kept for most of the life that its service gave it, and no longer',
  withUpstream({ tokens: { expiresInS: 300 } }, {}, async ({ hub, upstream, clock }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    for (const [afterS, tokens] of [
      [284, 1],
      [2, 2],
    ] as const) {
      clock.nowMs += afterS * 1000
      await upstream.manifest('a', ref('1'))
      assert.equal(hub.counts.token, tokens)
    }
  }),
)

const answers = [
  { title: 'no expires_in', tokens: { expiresInS: null } },
  { title: 'a life of 0', tokens: { expiresInS: 0 } },
] as const

for (const { title, tokens } of answers)
  test(
    `a token with ${title} lives 60 seconds`,
    withUpstream({ tokens }, {}, async ({ hub, upstream, clock }) => {
      hub.addImage('a', '1')
      await upstream.manifest('a', ref('1'))
      clock.nowMs += 40_000
      await upstream.manifest('a', ref('1'))
      assert.equal(hub.counts.token, 1)
      clock.nowMs += 10_000
      await upstream.manifest('a', ref('1'))
      assert.equal(hub.counts.token, 2)
    }),
  )

test(
  'access_token is as good as token, and a challenge without service is answered without',
  withUpstream({ tokens: { field: 'access_token', service: null } }, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    await upstream.manifest('a', ref('1'))
    assert.equal(hub.requests[1]!.url, '/token?scope=repository%3Aa%3Apull')
  }),
)

test(
  'a realm that takes no GET is asked by POST, and the next time at once',
  withUpstream({ tokens: { ...TOKENS.tokens, method: 'POST' } }, ALICE, async ({ hub, upstream }) => {
    for (const name of ['team/app', 'other']) hub.addImage(name, '1')
    await upstream.manifest('team/app', ref('1'))
    const post = hub.requests.find(({ method }) => method === 'POST')!
    assert.deepEqual(Object.fromEntries(new URLSearchParams(post.body)), {
      grant_type: 'password',
      service: 'scripted',
      client_id: 'entrepot',
      scope: 'repository:team/app:pull',
      username: 'alice',
      password: 'secret',
    })
    await upstream.manifest('other', ref('1'))
    assert.equal(hub.counts.token, 3)
  }),
)

test(
  'a token service that denies a scope means that it is absent',
  withUpstream(TOKENS, ALICE, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    hub.fault('token', { status: 403, body: '{"errors":[{"code":"DENIED"}]}' })
    await failsWith(upstream.manifest('a', ref('1')), 'absent')
    assert.equal(upstream.health().refusedCredentials, undefined)
  }),
)

test(
  'a token service that answers nonsense is a failure of the upstream',
  withUpstream(TOKENS, {}, async ({ hub, upstream }) => {
    hub.addImage('a', '1')
    for (const body of ['not JSON', '{}', '{"token":"two\\nlines"}', '[]', '{"token":7}']) {
      hub.fault('token', { status: 200, body })
      await failsWith(upstream.manifest('a', ref('1')), 'status')
    }
  }),
)
