/** The OpenAPI 3.1 document of the admin API, made from the declarations of its operations and nothing else. */
import { z } from 'zod'
import type { Operation, Operations } from './operation.ts'

/** Path that every operation's own path is below. */
type Server = string

type Json = Readonly<Record<string, unknown>>

const ERROR = {
  description: 'Refused: why, and what to do',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
}

const ERROR_SCHEMA = z.object({
  errors: z
    .array(z.object({ code: z.string(), message: z.string(), detail: z.unknown().optional() }))
    .min(1)
    .meta({ description: 'As the registry API has them (distribution-spec 1.1, Error codes)' }),
})

/** What every operation may refuse. */
const COMMON_REFUSALS = {
  400: 'a parameter or field that is unknown, missing or wrong',
  403: 'a page of another site asks, or by a name that is not this registry’s',
}
const ADMIN_REFUSALS = {
  401: 'no login, or a wrong one',
  403: 'no admin, or a connection on which passwords would travel unencrypted',
  429: 'too many wrong passwords',
}
const WRITE_REFUSALS = { 415: 'Content-Type is not application/json' }

const omit = (schema: Json, ...keys: string[]): Json =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)))

/** What comes in is checked to the letter; what goes out may get more fields in later versions. */
const inSchema = (schema: z.ZodType): Json => omit(z.toJSONSchema(schema, { io: 'input' }), '$schema')
const outSchema = (schema: z.ZodType): Json =>
  omit(
    z.toJSONSchema(schema, {
      io: 'output',
      unrepresentable: 'any',
      override: ({ jsonSchema }) => {
        delete jsonSchema.additionalProperties
      },
    }),
    '$schema',
  )

const parametersOf = ({ path, parameters }: Operation): Json[] => {
  const { properties = {}, required = [] } = inSchema(parameters) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => {
    const isInPath = path.includes(`{${name}}`)
    return {
      name,
      in: isInPath ? 'path' : 'query',
      required: isInPath || required.includes(name),
      ...(schema.description !== undefined && { description: schema.description }),
      schema: omit(schema, 'description'),
    }
  })
}

const refusalsOf = ({ access, method, refusals }: Operation): Json => {
  const all: Readonly<Record<number, string>> = {
    ...COMMON_REFUSALS,
    ...(access === 'admin' && ADMIN_REFUSALS),
    ...(access === 'admin' && method !== 'get' && WRITE_REFUSALS),
    ...refusals,
  }
  return Object.fromEntries(
    Object.entries(all).map(([status, description]) => [status, { ...ERROR, description }]),
  )
}

const SUCCESS = { 200: 'Done', 202: 'Begun', 204: 'Done' } as const

const answersOf = (operation: Operation): Json => {
  const { status, answer } = operation
  const description = SUCCESS[status]
  const content = { 'application/json': { schema: outSchema(answer) } }
  return {
    [status]: status === 204 ? { description } : { description, content },
    ...refusalsOf(operation),
  }
}

const toDocument = (name: string, operation: Operation): Json => {
  const { summary, description, body, access } = operation
  const hasBody = Object.keys(body.shape).length > 0
  return {
    operationId: name,
    summary,
    ...(description !== undefined && { description }),
    security: access === 'open' ? [] : [{ token: [] }, { account: [] }],
    parameters: parametersOf(operation),
    ...(hasBody && {
      requestBody: { required: true, content: { 'application/json': { schema: inSchema(body) } } },
    }),
    responses: answersOf(operation),
  }
}

/** The document, as JSON. */
export const describeOperations = (operations: Operations, server: Server, version: string): Json => {
  const paths: Record<string, Record<string, Json>> = {}
  for (const [name, operation] of Object.entries(operations)) {
    paths[operation.path] ??= {}
    paths[operation.path]![operation.method] = toDocument(name, operation)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'entrepot admin API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: server }],
    paths,
    components: {
      schemas: { Error: outSchema(ERROR_SCHEMA) },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'admin.token, or entrepot/admin-token in the store',
        },
        account: { type: 'http', scheme: 'basic', description: 'An account of admin.users' },
      },
    },
  }
}
