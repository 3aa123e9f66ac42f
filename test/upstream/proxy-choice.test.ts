import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseProxy } from '../../src/upstream/proxy-choice.ts'

const choose = (url: string, environment: Record<string, string>, proxy?: string) =>
  chooseProxy(new URL(url), { environment, proxy })

const BOTH = { HTTP_PROXY: 'http://web:1', HTTPS_PROXY: 'http://tls:2' }

test('http and https have a proxy of their own, and neither stands in for the other', () => {
  assert.equal(choose('http://a.example/', BOTH), 'http://web:1')
  assert.equal(choose('https://a.example/', BOTH), 'http://tls:2')
  assert.equal(choose('https://a.example/', { HTTP_PROXY: 'http://web:1' }), undefined)
  assert.equal(choose('http://a.example/', { HTTPS_PROXY: 'http://tls:2' }), undefined)
})

test('variables count in both cases, the upper one first', () => {
  assert.equal(choose('https://a.example/', { https_proxy: 'http://low' }), 'http://low')
  assert.equal(
    choose('https://a.example/', { https_proxy: 'http://low', HTTPS_PROXY: 'http://up' }),
    'http://up',
  )
  assert.equal(choose('https://a.example/', { https_proxy: 'http://p', no_proxy: 'a.example' }), undefined)
})

test('a proxy without a scheme is an http one, and an empty variable is none', () => {
  assert.equal(choose('http://a.example/', { HTTP_PROXY: 'proxy:3128' }), 'http://proxy:3128')
  assert.equal(choose('http://a.example/', { HTTP_PROXY: '' }), undefined)
})

test('a configured proxy is used for everything, whatever the environment says', () => {
  for (const url of ['http://a.example/', 'https://127.0.0.1/'])
    assert.equal(choose(url, { NO_PROXY: '*', HTTPS_PROXY: 'http://other' }, 'own:3128'), 'http://own:3128')
})

const exceptions = [
  ['https://a.example/', 'a.example', true],
  ['https://sub.a.example/', 'a.example', true],
  ['https://nota.example/', 'a.example', false],
  ['https://a.example/', '.a.example', false],
  ['https://sub.a.example/', '.a.example', true],
  ['https://sub.a.example/', '*.a.example', true],
  ['https://a.example/', '*.a.example', false],
  ['https://A.Example/', 'a.EXAMPLE', true],
  ['https://a.example/', ' b.example , a.example ', true],
  ['https://a.example/', '*', true],
  ['https://a.example:5000/', 'a.example:5000', true],
  ['https://a.example/', 'a.example:5000', false],
  ['https://a.example/', 'a.example:443', true],
  ['https://10.1.2.3/', '10.0.0.0/8', true],
  ['https://11.1.2.3/', '10.0.0.0/8', false],
  ['https://10.1.2.3/', '10.1.2.3', true],
  ['https://10.1.2.3:5000/', '10.1.2.3:5000', true],
  ['https://[fd00::1]/', 'fd00::/8', true],
  ['https://[fd00::1]:5000/', '[fd00::1]:5000', true],
  ['https://a.example/', '10.0.0.0/8', false],
  ['https://a.example/', ',,', false],
  ['https://localhost:5000/', '', true],
  ['https://127.1.2.3/', '', true],
  ['https://[::1]/', '', true],
] as const

for (const [url, noProxy, isDirect] of exceptions)
  test(`${url} with NO_PROXY="${noProxy}" is reached ${isDirect ? 'directly' : 'through the proxy'}`, () => {
    const environment = { HTTPS_PROXY: 'http://tls:2', NO_PROXY: noProxy }
    assert.equal(choose(url, environment), isDirect ? undefined : 'http://tls:2')
  })
