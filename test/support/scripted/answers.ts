/** The answers of the scripted upstream when nothing goes wrong, and how a fault bends them. */
import type { ServerResponse } from 'node:http'
import { parseRange } from '../../../src/protocol/range.ts'
import { bufferContent, type Content } from '../bytes.ts'
import type { ScriptedFault, SeenRequest } from './faults.ts'
import { type Sent, sendContent } from './send.ts'

/** Headers of an answer by lower-case name. */
export type Headers = Record<string, string>

/** An answer before a fault has bent it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly content: Content
  /** Whether a `Range` is honoured. */
  readonly isRangeable?: boolean
}

/** An answer with a JSON body. */
export const jsonAnswer = (status: number, document: unknown, headers: Headers = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  content: bufferContent(Buffer.from(`${JSON.stringify(document)}\n`)),
})

/** An OCI error. */
export const errorAnswer = (status: number, code: string, headers: Headers = {}): Answer =>
  jsonAnswer(status, { errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }, headers)

/** A redirect with an HTML body, as quay.io and others send. */
export const redirectAnswer = (status: number, location: string, headers: Headers = {}): Answer => ({
  status,
  headers: { ...headers, location, 'content-type': 'text/html' },
  content: bufferContent(Buffer.from(`<a href="${location}">moved</a>\n`)),
})

const replace = (answer: Answer, script: ScriptedFault): Answer => {
  const { status, body, headers = {} } = script.fault
  if (status === undefined) return { ...answer, headers: { ...answer.headers, ...headers } }
  const bytes = Buffer.from(body ?? '')
  const type: Headers =
    typeof body === 'string' && body.startsWith('{') ? { 'content-type': 'application/json' } : {}
  return { status, headers: { ...type, ...headers }, content: bufferContent(bytes) }
}

interface Part {
  readonly first: number
  readonly last: number
  readonly status: number
  readonly headers: Headers
}

const cutRange = (answer: Answer, request: SeenRequest, script: ScriptedFault | undefined): Part => {
  const sizeBytes = answer.content.sizeBytes + (script?.fault.growBy ?? 0)
  const whole = { first: 0, last: sizeBytes - 1, status: answer.status, headers: {} }
  if (!answer.isRangeable || script?.fault.ignoreRange) return whole
  const range = parseRange(request.headers.range, sizeBytes)
  if (range.kind === 'whole') return whole
  if (range.kind === 'unsatisfiable')
    return { first: 0, last: -1, status: 416, headers: { 'content-range': `bytes */${sizeBytes}` } }
  const first = Math.max(0, range.first + (script?.fault.shiftRangeBy ?? 0))
  const headers = { 'content-range': `bytes ${first}-${range.last}/${sizeBytes}` }
  return { first, last: range.last, status: 206, headers }
}

/** Writes `answer` as the fault has it; a `HEAD` without its body. */
export const writeAnswer = async (
  res: ServerResponse,
  request: SeenRequest,
  truth: Answer,
  script: ScriptedFault | undefined,
  onBytes: (bytes: number) => void,
): Promise<Sent> => {
  const answer = script === undefined ? truth : replace(truth, script)
  const part = cutRange(answer, request, script)
  const headers: Headers = {
    'docker-distribution-api-version': 'registry/2.0',
    'content-length': String(part.last + 1 - part.first),
    ...answer.headers,
    ...part.headers,
  }
  for (const name of script?.fault.omit ?? []) delete headers[name.toLowerCase()]
  request.status = part.status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  res.writeHead(part.status)
  if (request.method === 'HEAD') {
    res.end()
    return { bytes: 0, isWhole: true }
  }
  return sendContent(res, answer.content, part.first, part.last, script, onBytes)
}
