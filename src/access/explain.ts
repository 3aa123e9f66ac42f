/** Why the `access` rules allow or refuse something, as a sentence for the person who wrote them. Pure. */
import type { AccessAnswer, AccessQuestion, Rule } from './rules.ts'

/** What the sentence is made of. */
export interface Explanation {
  readonly question: AccessQuestion
  readonly answer: AccessAnswer
  readonly rules: readonly Rule[] | undefined
  readonly hasAuth: boolean
}

/** `alice may pull team/app (local): rule 2 of access, {who: accounts, may: pull, …}.` */
export const explain = ({ question, answer, rules, hasAuth }: Explanation): string => {
  const { account, action, repository, content } = question
  const who = account === '' ? 'anonymous' : account
  const verb = answer.isAllowed ? 'may' : 'may not'
  return `${who} ${verb} ${action} ${repository} (${content}): ${reason({ question, answer, rules, hasAuth })}.`
}

const reason = ({ question, answer, rules, hasAuth }: Explanation): string => {
  if (rules === undefined)
    return hasAuth
      ? 'there are no access rules, and with auth every account may do everything, nobody else anything'
      : 'there are neither access rules nor auth, so everybody may do everything'
  const rule = answer.rule === undefined ? undefined : rules[answer.rule]
  if (rule === undefined) return 'no rule of access fits, and what no rule allows is refused'
  const sentence = `rule ${(answer.rule ?? 0) + 1} of access, ${describeRule(rule)}`
  const isLent = answer.isForAnyone && question.account !== ''
  return isLent ? `${sentence}, since what anonymous may do everybody may` : sentence
}

/** A rule as it stands in the file, in a line: `{who: anyone, may: pull, repositories: library/*, content: mirrored}`. */
export const describeRule = ({ who, may, maynot, repositories, content }: Rule): string => {
  const what = may === undefined ? { maynot } : { may }
  const keys = Object.entries({ who, ...what, repositories, content })
  return `{${keys.map(([key, words = []]) => `${key}: ${formatWords(words)}`).join(', ')}}`
}

const formatWords = (words: readonly string[]): string =>
  words.length === 1 ? `${words[0]}` : `[${words.join(', ')}]`
