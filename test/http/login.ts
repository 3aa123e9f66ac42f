/** What clients of a guarded registry do: log in, go for a token where they are told to, and push. */
import assert from 'node:assert/strict'
import { parseChallenges } from '../../src/protocol/challenge.ts'
import type { Answer, TestEntrepot } from '../support/entrepot.ts'
import { makeImage, type TestImage } from '../support/images.ts'
import { Pusher } from './pusher.ts'

/** A method of a request. */
export type Method = Parameters<TestEntrepot['ask']>[0]

/** An `Authorization` header of an account. */
export const basic = (account: string, password: string): string =>
  `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`

const authorize = (authorization: string | undefined): Record<string, string> =>
  authorization === undefined ? {} : { Authorization: authorization }

/** A token for `scope` (none: for nothing in particular), as somebody or nobody. */
export const fetchToken = async (
  entrepot: TestEntrepot,
  scope: string,
  authorization?: string,
): Promise<string> => {
  const query = scope === '' ? '' : `?scope=${encodeURIComponent(scope)}`
  const answer = await entrepot.get(`/token${query}`, authorize(authorization))
  assert.equal(answer.status, 200, answer.body.toString())
  return (answer.json() as { token: string }).token
}

/** Asks without credentials, and where that is 401 again with a token of `authorization` for what the challenge says. */
export const askWithToken = async (
  entrepot: TestEntrepot,
  method: Method,
  path: string,
  authorization?: string,
): Promise<Answer> => {
  const first = await entrepot.ask(method, path)
  if (first.status !== 401) return first
  const [challenge] = parseChallenges(first.headers['www-authenticate'])
  assert.equal(challenge?.scheme, 'bearer')
  const token = await fetchToken(entrepot, challenge.parameters.scope ?? '', authorization)
  return entrepot.ask(method, path, { Authorization: `Bearer ${token}` })
}

/** Makes an image, and pushes it as somebody or nobody. */
export const pushImage = async (
  entrepot: TestEntrepot,
  name: string,
  tag: string,
  authorization?: string,
): Promise<TestImage> => {
  const image = makeImage({ seed: name })
  await new Pusher(entrepot, authorize(authorization)).image(name, tag, image)
  return image
}
