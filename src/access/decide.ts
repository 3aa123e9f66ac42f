/**
 * Who asks × what for → let in, or what to answer instead (design §4). Pure: it asks for what it needs to know of the
 * world by `probe`.
 *
 * What anonymous may do, anybody may. A pull that anonymous may do is never refused for the credentials that came with
 * it: dockerd sends Docker Hub's password to its mirrors, and leaves for the Hub on a 401. For anything else, wrong
 * credentials are 401. A token must name the access, and the rules, where there are any, must allow it.
 */
import type { Scope } from '../protocol/challenge.ts'
import type { RegistryError } from '../protocol/error.ts'
import { ANONYMOUS, type Identification, type Identity, type TokenError } from './authenticate.ts'
import type { Action, Rules } from './rules.ts'

/** A repository that somebody wants something of. */
export interface WantedRepository {
  /** Its name as token scopes say it: that of the URL, or the stored one where `?ns=` took part in finding it. */
  readonly scopeName: string
  /** Stored name, which rules speak of. */
  readonly repository: string
  readonly content: 'mirrored' | 'local'
  readonly actions: readonly Action[]
  /** Whether its upstream shows it to anybody; `undefined`: not asked yet. Of no meaning for local content. */
  readonly isPublic: boolean | undefined
}

/** What a request wants: nothing in particular (`/v2/`), the catalog, or something of a repository. */
export type Wanted = 'ping' | 'catalog' | WantedRepository

/** What holds for everybody. */
export interface Policy {
  readonly rules: Rules
  /** Whether there is anybody to log in with. */
  readonly hasAuth: boolean
  /** `accounts`: anonymous never pushes, whatever the rules say. `off` is `push`'s to answer, with 405. */
  readonly localPush: 'anyone' | 'accounts' | 'off'
}

/** What to do with a request. */
export type Decision =
  | { readonly kind: 'allow'; readonly identity: Identity }
  /** It hangs on whether the upstream shows the repository to anybody: find out, and decide again. */
  | { readonly kind: 'probe' }
  /** 401: who is it? With `error`: with which other token? */
  | { readonly kind: 'challenge'; readonly error: TokenError | undefined }
  /** 403: no credentials of this account would help. */
  | { readonly kind: 'deny'; readonly reason: string }
  /** The credentials could not be looked at, and they are needed. */
  | { readonly kind: 'later'; readonly error: RegistryError }

/** `probe`: it hangs on whether the repository is public. */
export type Verdict = 'yes' | 'no' | 'probe'

/** Decides one request. */
export const decide = (policy: Policy, identification: Identification, wanted: Wanted): Decision => {
  const identity = identification.kind === 'identified' ? identification.identity : undefined
  const own = identity === undefined ? 'no' : judgeIdentity(policy, identity, wanted)
  if (identity !== undefined && own === 'yes') return { kind: 'allow', identity }
  const anonymous = isAnonymousEnough(identification, wanted) ? judge(policy, '', wanted) : 'no'
  if (anonymous === 'yes') return { kind: 'allow', identity: identity ?? ANONYMOUS }
  if (own === 'probe' || anonymous === 'probe') return { kind: 'probe' }
  return refuse(policy, identification, wanted)
}

/** Whether what came with the request may be passed over where anonymous suffices. */
const isAnonymousEnough = ({ kind }: Identification, wanted: Wanted): boolean => {
  if (kind === 'anonymous' || kind === 'identified') return true
  return typeof wanted === 'object' && wanted.actions.every((action) => action === 'pull')
}

const judgeIdentity = (policy: Policy, { account, granted }: Identity, wanted: Wanted): Verdict => {
  if (wanted === 'ping') return 'yes'
  if (granted === undefined) return judge(policy, account, wanted)
  if (!covers(granted, scopeOf(wanted))) return 'no'
  // An authorization service decides by itself where there are no rules: its token may well have no subject.
  return policy.rules.areGiven ? judge(policy, account, wanted) : 'yes'
}

/** What the rules and `local.push` say of an account, whatever token it has; empty: of anonymous. */
export const judge = (policy: Policy, account: string, wanted: Wanted): Verdict => {
  if (!policy.hasAuth && typeof wanted === 'string') return 'yes'
  if (wanted === 'ping') return 'no'
  if (wanted === 'catalog') return account === '' ? 'no' : 'yes'
  const verdicts = wanted.actions.map((action) => judgeAction(policy, account, wanted, action))
  return verdicts.includes('no') ? 'no' : verdicts.includes('probe') ? 'probe' : 'yes'
}

const judgeAction = (policy: Policy, account: string, wanted: WantedRepository, action: Action): Verdict => {
  if (action === 'push' && policy.localPush === 'accounts' && account === '') return 'no'
  const isAllowed = (content: 'mirrored' | 'private' | 'local'): boolean =>
    policy.rules.ask({ account, action, repository: wanted.repository, content }).isAllowed
  // Without accounts there is nobody to keep private content from: everybody may what the configured account may.
  if (wanted.content === 'local' || !policy.hasAuth) return isAllowed(wanted.content) ? 'yes' : 'no'
  const asMirrored = wanted.isPublic !== false && isAllowed('mirrored')
  const asPrivate = wanted.isPublic !== true && isAllowed('private')
  if (wanted.isPublic !== undefined || asMirrored === asPrivate) return asMirrored || asPrivate ? 'yes' : 'no'
  return 'probe'
}

const refuse = (policy: Policy, identification: Identification, wanted: Wanted): Decision => {
  if (!policy.hasAuth) return deny('anonymous', wanted)
  if (identification.kind === 'unchecked') return { kind: 'later', error: identification.error }
  if (identification.kind === 'refused') return { kind: 'challenge', error: identification.error }
  if (identification.kind === 'anonymous') return { kind: 'challenge', error: undefined }
  const { account, granted } = identification.identity
  if (account === '') return { kind: 'challenge', error: 'insufficient_scope' }
  const isScopeMissing = granted !== undefined && !covers(granted, scopeOf(wanted))
  // A new token would help where the rules allow it, or where they have no say.
  const wouldHelp = isScopeMissing && (!policy.rules.areGiven || judge(policy, account, wanted) !== 'no')
  return wouldHelp ? { kind: 'challenge', error: 'insufficient_scope' } : deny(account, wanted)
}

const deny = (who: string, wanted: Wanted): Decision => {
  const what =
    typeof wanted === 'string' ? 'read the catalog' : `${wanted.actions.join(' and ')} ${wanted.repository}`
  return { kind: 'deny', reason: `the access rules do not let ${who} ${what}` }
}

/** The scope that a token needs for a request, or `undefined` where any token will do (protocol.md §5.2). */
export const scopeOf = (wanted: Wanted): Scope | undefined => {
  if (wanted === 'ping') return undefined
  if (wanted === 'catalog') return { type: 'registry', name: 'catalog', actions: ['*'] }
  return { type: 'repository', name: wanted.scopeName, actions: wanted.actions }
}

/** Whether the accesses of a token hold all of `scope`; several entries for one resource add up. */
export const covers = (granted: readonly Scope[], scope: Scope | undefined): boolean => {
  if (scope === undefined) return true
  const actions = new Set(
    granted
      .filter(({ type, name }) => type === scope.type && name === scope.name)
      .flatMap((each) => each.actions),
  )
  return actions.has('*') || scope.actions.every((action) => actions.has(action))
}
