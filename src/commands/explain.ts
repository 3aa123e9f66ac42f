/** `entrepot explain REFERENCE`: what a pull of it would get, and why. */
import type { ExplainAnswer } from './admin-answers.ts'
import { withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import type { AddCommand } from './command.ts'
import { print, printJson } from './print.ts'
import { toPlain } from './table.ts'
import { formatAgo, formatCount } from './units.ts'

/** Adds `explain`. */
export const addExplain: AddCommand = (program) => {
  withServer(program.command('explain'))
    .argument('<reference>', 'as a client writes it: alpine:3, ghcr.io/org/app@sha256:…')
    .option('--ns <host>', 'the registry that the client says it means, as containerd does')
    .description('say what a pull of a reference would get, and why')
    .action(async (reference: string, options: AdminOptions & { readonly ns?: string }) => {
      const { ns } = options
      const answer = await withClient(options, (client) =>
        client.get<ExplainAnswer>('/explain', { reference, ns }),
      )
      if (options.json) printJson(answer)
      else print(showExplanation(answer, Date.now()))
    })
}

/** The explanation for people: the verdict, then a line for each thing that is known. */
export const showExplanation = (answer: ExplainAnswer, nowMs: number): string => {
  const { upstream, upstreamName, upstreamState, missing = [] } = answer
  const origin = upstream && `${upstream}${upstreamName === undefined ? '' : `, there ${upstreamName}`}`
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['repository', `${answer.repository}, ${answer.kind}`],
    ['upstream', origin && `${origin}${upstreamState === undefined ? '' : ` (${upstreamState})`}`],
    ['digest', answer.digest],
    ['asked', answer.askedAt && formatAgo(answer.askedAt, nowMs)],
    ['fresh', answer.freshUntil && describeFresh(answer.freshUntil, nowMs)],
    [
      'complete',
      answer.isComplete === undefined
        ? undefined
        : answer.isComplete
          ? 'yes'
          : `no, ${formatCount(missing.length, 'blob')} missing`,
    ],
    ['pinned', answer.isPinned ? 'yes' : undefined],
  ]
  const lines = [
    `${answer.reference}: ${answer.verdict}`,
    ...answer.reasons.map((reason) => `  ${reason}`),
    ...facts.flatMap(([name, value]) => (value ? [`${name.padEnd(11)} ${value}`] : [])),
    ...missing.map((digest) => `missing     ${digest}`),
  ]
  return lines.map((line) => `${toPlain(line)}\n`).join('')
}

const describeFresh = (until: string, nowMs: number): string =>
  Date.parse(until) > nowMs
    ? `until ${formatAgo(until, nowMs).replace(/^in /, '')} from now`
    : `no longer since ${formatAgo(until, nowMs)}`
