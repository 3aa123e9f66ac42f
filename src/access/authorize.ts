/**
 * Lets a request in, or throws what it is answered: the decision of `access/decide` with the questions to the world
 * that it needs. 401 carries one challenge, with the scopes of everything the request wants (protocol.md §5.1).
 */
import type { Scope } from '../protocol/challenge.ts'
import { RegistryError } from '../protocol/error.ts'
import {
  ANONYMOUS,
  type Authenticator,
  type Identification,
  type Identity,
  type RefusedLogin,
  type RequestOrigin,
  type TokenError,
} from './authenticate.ts'
import {
  type Decision,
  decide,
  judge,
  type Policy,
  scopeOf,
  type Wanted,
  type WantedRepository,
} from './decide.ts'
import type { Action } from './rules.ts'

/** A repository as it was found for a request. */
export interface RequestedRepository extends Omit<WantedRepository, 'actions' | 'isPublic'> {
  /** Finds out whether its upstream shows it to anybody; called only where the answer hangs on it. */
  readonly isPublic: () => Promise<boolean>
}

/** What a request wants. */
export type RequestedAccess =
  | { readonly kind: 'ping' | 'catalog' }
  | {
      readonly kind: 'repository'
      readonly repository: RequestedRepository
      readonly actions: readonly Action[]
      /** `from` of a mount: the blob's repository. Who may not pull there at all pushes without it. */
      readonly mountFrom?: RequestedRepository | undefined
    }

/** Who was let in, and what else he may. */
export interface Admission {
  readonly identity: Identity
  /** Whether he may pull from another repository as well, with the credentials of this request: to mount from it. */
  mayPull(repository: RequestedRepository): Promise<boolean>
  /** Whether the catalog shows him a repository: he may pull it, though the token of this request need not name it. */
  maySee(repository: RequestedRepository): Promise<boolean>
}

/** A question to the decision, and to the world where the decision needs it. */
interface Question<W extends Wanted = Wanted> {
  readonly wanted: W
  readonly isPublic: () => Promise<boolean>
}

type Answer = Exclude<Decision, { kind: 'probe' }>

/** Where nobody is known and nothing forbidden. */
const OPEN: Admission = {
  identity: ANONYMOUS,
  mayPull: async () => true,
  maySee: async () => true,
}

/** What requests are checked with. */
export interface AuthorizerOptions {
  readonly authenticator: Authenticator
  readonly policy: Policy
  /** Told of credentials that a request was refused for. */
  readonly onRefused?: (login: RefusedLogin) => void
}

/**
 * The accesses that a route needs (protocol.md §5.2). Unlike in distribution, what belongs to a push (to ask how far an
 * upload is, to cancel it) takes no more and no less than the push: clients come with the token that they pushed with.
 */
export const actionsOf = (action: Action): readonly Action[] =>
  action === 'push' ? ['pull', 'push'] : [action]

/** Stands before every request to the registry. */
export class Authorizer {
  readonly #authenticator: Authenticator
  readonly #policy: Policy
  readonly #onRefused: (login: RefusedLogin) => void
  readonly #isOpen: boolean

  constructor({ authenticator, policy, onRefused = () => {} }: AuthorizerOptions) {
    this.#authenticator = authenticator
    this.#policy = policy
    this.#onRefused = onRefused
    this.#isOpen = !policy.hasAuth && !policy.rules.areGiven && policy.localPush !== 'accounts'
  }

  /**
   * @param authorization the `Authorization` header
   * @throws RegistryError `UNAUTHORIZED` with a challenge, `DENIED`, or 429 or 503 with `Retry-After` where the
   * credentials could not be looked at
   */
  async authorize(
    access: RequestedAccess,
    authorization: string | undefined,
    request: RequestOrigin,
  ): Promise<Admission> {
    if (this.#isOpen) return OPEN
    const identification = await this.#authenticator.identify(authorization, request)
    const [wanted, from] = wantedOf(access)
    const decision = await this.#decide(identification, wanted)
    if (decision.kind !== 'allow') {
      if (identification.kind === 'unchecked') this.#onRefused('unchecked')
      if (identification.kind === 'refused') this.#onRefused(identification.error ? 'token' : 'password')
      throw this.#refusal(decision, access, request)
    }
    const { identity } = decision
    const mount = from && (await this.#decide(identification, from))
    // A new token would let the mount succeed: without this answer the client would upload what is there already.
    if (mount?.kind === 'challenge' && identity.granted !== undefined)
      throw this.#refusal(mount, access, request)
    return {
      identity,
      mayPull: async (other) =>
        (await this.#decide(identification, questionOf(other, ['pull']))).kind === 'allow',
      maySee: (other) => this.#maySee(identity, other),
    }
  }

  async #maySee({ account, granted }: Identity, repository: RequestedRepository): Promise<boolean> {
    if (granted !== undefined && !this.#policy.rules.areGiven) return true
    const { wanted, isPublic } = questionOf(repository, ['pull'])
    const verdict = judge(this.#policy, account, wanted)
    if (verdict !== 'probe') return verdict === 'yes'
    return judge(this.#policy, account, { ...wanted, isPublic: await isPublic() }) === 'yes'
  }

  async #decide(identification: Identification, { wanted, isPublic }: Question): Promise<Answer> {
    const decision = decide(this.#policy, identification, wanted)
    if (decision.kind !== 'probe' || typeof wanted === 'string') return decision as Answer
    return decide(this.#policy, identification, { ...wanted, isPublic: await isPublic() }) as Answer
  }

  #refusal(
    decision: Exclude<Answer, { kind: 'allow' }>,
    access: RequestedAccess,
    request: RequestOrigin,
  ): RegistryError {
    if (decision.kind === 'later') return decision.error
    if (decision.kind === 'deny') return new RegistryError('DENIED', { message: decision.reason })
    return this.#unauthorized(scopesOf(access), request, decision.error)
  }

  #unauthorized(
    scopes: readonly Scope[],
    request: RequestOrigin,
    error: TokenError | undefined,
  ): RegistryError {
    return new RegistryError('UNAUTHORIZED', {
      headers: { 'WWW-Authenticate': this.#authenticator.challenge(scopes, request, error) },
      detail: scopes.flatMap(({ type, name, actions }) =>
        actions.map((action) => ({ Type: type, Class: '', Name: name, Action: action })),
      ),
    })
  }
}

const NEVER_ASKED = async () => false

/** The questions that a request puts: what it is for, and the source of its mount. */
const wantedOf = (access: RequestedAccess): [Question, Question?] => {
  if (access.kind !== 'repository') return [{ wanted: access.kind, isPublic: NEVER_ASKED }]
  const main = questionOf(access.repository, access.actions)
  return access.mountFrom === undefined ? [main] : [main, questionOf(access.mountFrom, ['pull'])]
}

const questionOf = (
  { scopeName, repository, content, isPublic }: RequestedRepository,
  actions: readonly Action[],
): Question<WantedRepository> => ({
  wanted: { scopeName, repository, content, actions, isPublic: undefined },
  isPublic,
})

/** The scopes of a challenge: with a mount, that of the source as well, since clients ask for both at once. */
const scopesOf = (access: RequestedAccess): Scope[] =>
  wantedOf(access).flatMap((question) => (question && scopeOf(question.wanted)) ?? [])
