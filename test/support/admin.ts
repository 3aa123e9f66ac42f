/**
 * The admin API of a running entrepot, called by the names of its operations:
 *
 *     const admin = await openAdmin(entrepot)
 *     const { repositories } = await admin.call('listRepositories', { n: '10' })
 *
 * Every answer is checked against what its operation declares.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Operation } from '../../src/http/admin/operation.ts'
import { OPERATIONS } from '../../src/http/admin/operations.ts'
import type { Answer, TestEntrepot } from './entrepot.ts'

/** Name of an operation. */
export type OperationName = keyof typeof OPERATIONS

type AnswerOf<K extends OperationName> = z.output<(typeof OPERATIONS)[K]['answer']>

/** What a call says. */
export interface CallInput {
  /** Of the path and of the query. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
}

/** The same as a request. */
export interface CallRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body: string | undefined
}

/** The request that a call is. */
export const toRequest = (name: OperationName, { parameters = {}, body }: CallInput): CallRequest => {
  const { method, path } = OPERATIONS[name] as Operation
  const query = new URLSearchParams()
  let filled = `/admin/v1${path}`
  for (const [key, value] of Object.entries(parameters))
    if (path.includes(`{${key}}`)) filled = filled.replace(`{${key}}`, encodeURIComponent(value))
    else query.set(key, value)
  const search = query.size === 0 ? '' : `?${query}`
  return {
    method: method.toUpperCase() as CallRequest['method'],
    path: `${filled}${search}`,
    body: body && JSON.stringify(body),
  }
}

/** The token that the server made for itself. */
export const readAdminToken = async (root: string): Promise<string> =>
  (await readFile(join(root, 'entrepot/admin-token'), 'utf8')).trim()

/** Calls operations with the admin token. */
export class TestAdmin {
  readonly #entrepot: TestEntrepot
  readonly #authorization: string

  constructor(entrepot: TestEntrepot, authorization: string) {
    this.#entrepot = entrepot
    this.#authorization = authorization
  }

  /** Calls, and gives the answer as it came. */
  async ask(
    name: OperationName,
    input: CallInput = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const { method, path, body } = toRequest(name, input)
    const common = { Authorization: this.#authorization, 'Content-Type': 'application/json' }
    return this.#entrepot.ask(method, `${this.#entrepot.debugUrl}${path}`, { ...common, ...headers }, body)
  }

  /** Calls with success. */
  async call<K extends OperationName>(name: K, input: CallInput = {}): Promise<AnswerOf<K>> {
    const answer = await this.ask(name, input)
    const { status, answer: schema } = OPERATIONS[name] as Operation
    assert.equal(answer.status, status, answer.body.toString())
    return schema.parse(status === 204 ? undefined : answer.json()) as AnswerOf<K>
  }

  /** Calls without success. @returns the message */
  async refuse(name: OperationName, input: CallInput, status: number, code: string): Promise<string> {
    const answer = await this.ask(name, input)
    assert.equal(answer.status, status, answer.body.toString())
    const [error] = (answer.json() as { errors: { code: string; message: string }[] }).errors
    assert.equal(error?.code, code)
    return error.message
  }
}

/** The admin API of a server that made its token itself. */
export const openAdmin = async (entrepot: TestEntrepot): Promise<TestAdmin> =>
  new TestAdmin(entrepot, `Bearer ${await readAdminToken(entrepot.root)}`)
