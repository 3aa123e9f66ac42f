/**
 * `access` rules (design §4): who may pull, push or delete which repositories. The first rule that fits who asks, what
 * for and where decides; where none fits, it is refused. Pure. What anonymous may do, every account may.
 */
import picomatch from 'picomatch'

/** What can be done to a repository. */
export type Action = 'pull' | 'push' | 'delete'

/**
 * What a repository holds: content of an upstream that anybody may see there, content that the upstream shows only to
 * the account configured for it, or content that was pushed here.
 */
export type Content = 'mirrored' | 'private' | 'local'

/** One rule, as the configuration has it: with `may` or with `maynot`. */
export interface Rule {
  /** `anyone`, `anonymous`, `accounts`, `group:<name>`, or the name of an account. */
  readonly who: readonly string[]
  readonly may?: readonly Action[] | undefined
  readonly maynot?: readonly Action[] | undefined
  /** Globs of stored names: `*` is one component, `**` any number. */
  readonly repositories: readonly string[]
  readonly content: readonly Content[]
}

/** Group → its accounts. */
export type Groups = Readonly<Record<string, readonly string[]>>

/** One question to the rules. */
export interface AccessQuestion {
  /** Account, empty for anonymous. */
  readonly account: string
  readonly action: Action
  /** Stored name of the repository. */
  readonly repository: string
  readonly content: Content
}

/** The answer, and what decided. */
export interface AccessAnswer {
  readonly isAllowed: boolean
  /** Index of the rule that decided; `undefined`: none fitted, or there are no rules. */
  readonly rule: number | undefined
  /** Whether what allowed it holds for anonymous, and so for everybody. */
  readonly isForAnyone: boolean
}

/** What the rules are made of, and what holds where there are none. */
export interface RulesOptions {
  /** `undefined`: none are configured. */
  readonly rules: readonly Rule[] | undefined
  readonly groups: Groups
  /** Whether `auth` is set: without rules every account may do everything; without both, everybody. */
  readonly hasAuth: boolean
}

/** The globs of names; `**` also stands for nothing (`team/**` fits `team`), an exclamation mark for itself. */
const GLOB_OPTIONS = { nonegate: true, noextglob: true }

/** Words of `who` that fit anonymous. */
const OPEN_TO_ALL = ['anyone', 'anonymous']

interface CompiledRule {
  readonly rule: Rule
  readonly accounts: ReadonlySet<string>
  readonly fitsName: (name: string) => boolean
}

/** Rules, made ready to be asked. */
export class Rules {
  readonly #compiled: readonly CompiledRule[] | undefined
  readonly #hasAuth: boolean
  /** Whether any are configured; without, `auth` alone decides. */
  readonly areGiven: boolean
  /** Whether a rule lets anonymous pull anything. */
  readonly letAnonymousPull: boolean

  constructor({ rules, groups, hasAuth }: RulesOptions) {
    this.areGiven = rules !== undefined
    this.letAnonymousPull = (rules ?? []).some(
      ({ who, may }) => may?.includes('pull') && OPEN_TO_ALL.some((each) => who.includes(each)),
    )
    this.#compiled = rules?.map((rule) => compile(rule, groups))
    this.#hasAuth = hasAuth
  }

  /** Whether `account` may, by a rule for it or by one for anonymous. */
  ask(question: AccessQuestion): AccessAnswer {
    const anyone = this.#decide({ ...question, account: '' })
    if (anyone.isAllowed || question.account === '') return { ...anyone, isForAnyone: anyone.isAllowed }
    return { ...this.#decide(question), isForAnyone: false }
  }

  #decide(question: AccessQuestion): { isAllowed: boolean; rule: number | undefined } {
    if (this.#compiled === undefined)
      return { isAllowed: !this.#hasAuth || question.account !== '', rule: undefined }
    const index = this.#compiled.findIndex((each) => fits(each, question))
    const decisive = this.#compiled[index]?.rule
    return { isAllowed: decisive?.may !== undefined, rule: index < 0 ? undefined : index }
  }
}

const compile = (rule: Rule, groups: Groups): CompiledRule => {
  const accounts = rule.who.flatMap((who) => {
    const group = groupOf(who)
    if (group === undefined) return [who]
    return Object.hasOwn(groups, group) ? (groups[group] ?? []) : []
  })
  const globs = rule.repositories.map((glob) => picomatch(glob, GLOB_OPTIONS))
  return { rule, accounts: new Set(accounts), fitsName: (name) => globs.some((fits) => fits(name)) }
}

/** The group that a `who` names, or `undefined`. */
const groupOf = (who: string): string | undefined =>
  who.startsWith('group:') ? who.slice('group:'.length) : undefined

const fits = ({ rule, accounts, fitsName }: CompiledRule, question: AccessQuestion): boolean =>
  (rule.may ?? rule.maynot ?? []).includes(question.action) &&
  fitsWho(rule, accounts, question.account) &&
  fitsContent(rule, question) &&
  fitsName(question.repository)

const fitsWho = ({ who }: Rule, accounts: ReadonlySet<string>, account: string): boolean =>
  who.includes('anyone') ||
  (account === '' ? who.includes('anonymous') : who.includes('accounts') || accounts.has(account))

/**
 * A rule for mirrored content holds for private content as well, except that it opens none to anonymous: that takes
 * the word `private`.
 */
const fitsContent = ({ content, may }: Rule, question: AccessQuestion): boolean => {
  if (content.includes(question.content)) return true
  const isOpening = question.account === '' && may !== undefined
  return question.content === 'private' && content.includes('mirrored') && !isOpening
}
