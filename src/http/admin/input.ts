/** What comes in with a call of the admin API → checked values. Everything that is wrong is named, what is unknown too. */
import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import { type ErrorCode, RegistryError } from '../../protocol/error.ts'
import { readBody } from '../body.ts'

/** Largest body, in bytes: a list of thousands of references. */
const MAX_BODY_BYTES = 1024 * 1024
/** Most mistakes that are named. */
const MAX_NAMED = 10

type Issue = z.core.$ZodIssue

const codeOf = (issue: Issue): ErrorCode | undefined =>
  issue.code === 'custom' ? (issue.params?.code as ErrorCode | undefined) : undefined

const describe = (issue: Issue): string => {
  if (issue.code === 'unrecognized_keys') return `unknown: ${issue.keys.join(', ').slice(0, 300)}`
  return [issue.path.join('.'), issue.message].filter((part) => part !== '').join(': ')
}

/** What is wrong, as an error: 400, with the code of the first mistake that has one. */
const toError = (what: string, issues: readonly Issue[]): RegistryError => {
  const code = issues.map(codeOf).find((each) => each !== undefined)
  const named = issues.slice(0, MAX_NAMED).map(describe)
  return new RegistryError(code ?? 'UNSUPPORTED', { status: 400, message: `${what}: ${named.join('; ')}` })
}

const check = <S extends z.ZodType>(schema: S, what: string, value: unknown): z.output<S> => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw toError(what, result.error.issues)
}

/** Parameters as they stand in a request. */
export interface RawParameters {
  /** Of the path, decoded. */
  readonly path: Readonly<Record<string, string>>
  /** Of the query: a list where one is repeated. */
  readonly query: Readonly<Record<string, string | string[] | undefined>>
}

/** @throws RegistryError with 400 */
export const checkParameters = <S extends z.ZodType>(
  schema: S,
  { path, query }: RawParameters,
): z.output<S> => {
  const twice = Object.keys(query).find((key) => Object.hasOwn(path, key))
  if (twice !== undefined)
    throw new RegistryError('UNSUPPORTED', { status: 400, message: `parameters: unknown: ${twice}` })
  return check(schema, 'parameters', { ...query, ...path })
}

const tooLarge = (): RegistryError =>
  new RegistryError('UNSUPPORTED', {
    status: 413,
    message: `the body is larger than ${MAX_BODY_BYTES} bytes`,
  })

/** Reads and checks a body; an empty one is an object without fields. @throws RegistryError with 400 or 413 */
export const checkBody = async <S extends z.ZodType>(
  schema: S,
  req: IncomingMessage,
): Promise<z.output<S>> => {
  const text = (await readBody(req, MAX_BODY_BYTES, tooLarge)).toString()
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new RegistryError('UNSUPPORTED', { status: 400, message: 'the body is no JSON', cause })
  }
  return check(schema, 'body', value)
}
