import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createPoster, type Poster, type PostOptions } from '../../src/notify/post.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

describe('a post', () => {
  let receiver: Receiver
  let poster: Poster | undefined

  beforeEach(async () => {
    receiver = await startReceiver()
  })
  afterEach(async () => {
    await poster?.close()
    await receiver.stop()
  })

  const post = async (options: Partial<PostOptions> = {}, signal = new AbortController().signal) => {
    const all = {
      url: receiver.url,
      headers: {},
      mediaType: 'application/x-test',
      proxy: undefined,
      ...options,
    }
    poster = createPoster(all)
    return poster.post('{"events":[]}', signal)
  }

  it('carries the body, its type and the configured headers', async () => {
    assert.equal(await post({ headers: { Authorization: ['Bearer x'], 'X-Many': ['1', '2'] } }), 200)
    const [seen] = receiver.posts
    assert.deepEqual([seen?.method, seen?.url, seen?.body], ['POST', '/hook', '{"events":[]}'])
    assert.equal(seen?.headers['content-type'], 'application/x-test')
    assert.equal(seen?.headers.authorization, 'Bearer x')
    assert.equal(seen?.headers['x-many'], '1, 2')
  })

  it('lets a configured type take the place of ours', async () => {
    await post({ headers: { 'Content-Type': ['application/json'] } })
    assert.equal(receiver.posts[0]?.headers['content-type'], 'application/json')
  })

  it('carries the user and the password of the URL', async () => {
    await post({ url: receiver.url.replace('//', '//al%40ice:pass%3Aword@') })
    const basic = Buffer.from('al@ice:pass:word').toString('base64')
    assert.equal(receiver.posts[0]?.headers.authorization, `Basic ${basic}`)
    assert.equal(receiver.posts[0]?.url, '/hook')
  })

  for (const status of [202, 302, 404, 500])
    it(`tells the status ${status}, and follows nobody`, async () => {
      receiver.answers.push(status)
      assert.equal(await post(), status)
      assert.equal(receiver.posts.length, 1)
    })

  it('fails where the connection is cut', async () => {
    receiver.answers.push('hang up')
    await assert.rejects(post())
  })

  it('fails where nobody listens', async () => {
    await receiver.stop()
    await assert.rejects(post())
  })

  it('ends with its signal', async () => {
    receiver.answers.push('silence')
    const ending = new AbortController()
    const sent = post({}, ending.signal)
    await receiver.received(1)
    ending.abort(new Error('enough'))
    await assert.rejects(sent, /enough/)
  })

  it('goes through a proxy', async () => {
    assert.equal(await post({ url: 'http://hook.example/in', proxy: new URL(receiver.url).origin }), 200)
    assert.equal(receiver.posts[0]?.url, 'http://hook.example/in')
    assert.equal(receiver.posts[0]?.headers.host, 'hook.example')
  })
})
