/** The OpenAPI document: of the form that the specification (3.1) asks for, complete, and as it is served. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeOperations } from '../../../src/http/admin/openapi.ts'
import type { Operation } from '../../../src/http/admin/operation.ts'
import { OPERATIONS } from '../../../src/http/admin/operations.ts'
import { startEntrepot } from '../../support/entrepot.ts'
import { EXAMPLES } from './examples.ts'

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: Readonly<Record<string, unknown>>
}
interface DocumentedOperation {
  readonly operationId: string
  readonly summary: string
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, object>> }>
  >
}
interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>
  readonly components: { readonly schemas: object; readonly securitySchemes: object }
}

const operations = Object.entries(OPERATIONS) as [keyof typeof OPERATIONS, Operation][]
const document = describeOperations(OPERATIONS, '/admin/v1', '1.2.3') as unknown as Document

/** All values below a value, under their keys. */
function* walk(value: unknown): Generator<readonly [string, unknown]> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    yield [key, child]
    yield* walk(child)
  }
}

describe('the OpenAPI document', () => {
  it('says which version of which interface it describes', () => {
    assert.match(document.openapi, /^3\.1\./)
    assert.equal(document.info.version, '1.2.3')
    assert.equal(document.servers[0]?.url, '/admin/v1')
    assert.deepEqual(Object.keys(document.components.securitySchemes), ['token', 'account'])
  })

  for (const [name, { method, path, access, status, body }] of operations)
    it(`describes ${name}`, () => {
      const described = document.paths[path]?.[method]
      assert.equal(described?.operationId, name)
      assert.match(described.summary, /^[A-Z].{8,}[^.]$/)
      assert.equal(described.security.length, access === 'open' ? 0 : 2)
      assert.ok(described.responses[status])
      assert.equal(described.requestBody !== undefined, Object.keys(body.shape).length > 0)
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, word]) => word)
      const declared = described.parameters.filter(({ in: place }) => place === 'path')
      assert.deepEqual(
        declared.map((parameter) => parameter.name),
        inPath,
      )
      for (const { required } of declared) assert.equal(required, true)
      for (const [code, response] of Object.entries(described.responses)) {
        assert.match(code, /^[2-5]\d\d$/)
        assert.notEqual(response.description, '')
        assert.equal(response.content === undefined, code === '204')
      }
    })

  it('has no operation that is none, and none twice', () => {
    const described = Object.values(document.paths).flatMap((methods) => Object.values(methods))
    assert.deepEqual(described.map(({ operationId }) => operationId).sort(), Object.keys(OPERATIONS).sort())
  })

  it('points at nothing that is not there', () => {
    for (const [key, value] of walk(document))
      if (key === '$ref') {
        const parts = String(value).replace('#/', '').split('/')
        const found = parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], document)
        assert.notEqual(found, undefined, String(value))
      }
  })

  it('has a type, a choice or an example for each value that comes in', () => {
    for (const { parameters, requestBody } of Object.values(document.paths).flatMap((each) =>
      Object.values(each),
    )) {
      const schema = requestBody?.content['application/json']?.schema as
        | { properties: Record<string, object>; additionalProperties: unknown }
        | undefined
      const schemas = [...parameters.map((each) => each.schema), ...Object.values(schema?.properties ?? {})]
      for (const each of schemas)
        assert.ok('type' in each || 'enum' in each || 'anyOf' in each, JSON.stringify(each))
      if (schema !== undefined) assert.equal(schema.additionalProperties, false)
    }
  })

  it('takes the examples that the tests call by', () => {
    for (const [name, { parameters, body }] of operations) {
      parameters.parse(EXAMPLES[name].parameters ?? {})
      body.parse(EXAMPLES[name].body ?? {})
    }
  })

  it('is served to everybody, as it is', async () => {
    const entrepot = await startEntrepot()
    try {
      const { status, headers, json } = await entrepot.get(`${entrepot.debugUrl}/admin/openapi.json`)
      assert.equal(status, 200)
      assert.equal(headers['content-type'], 'application/json')
      const served = json() as Document
      assert.deepEqual({ ...served, info: document.info }, JSON.parse(JSON.stringify(document)))
    } finally {
      await entrepot.stop()
    }
  })
})
