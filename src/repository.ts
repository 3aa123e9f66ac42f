/**
 * Which repository a request means: a local one, or a mirrored one, from where and under which name there. All spellings
 * of one repository fold to one stored name: without a host for the default upstream (Docker Hub's official images as
 * `library/alpine`), `host/…` for the others.
 */
import picomatch from 'picomatch'
import { RegistryError } from './protocol/error.ts'
import { foldHost } from './protocol/host.ts'
import { parseRepositoryName, type RepositoryName } from './protocol/name.ts'
import type { LinkStore } from './store/links.ts'
import type { MarkStore } from './store/marks.ts'
import { type Upstream, UpstreamError } from './upstream/upstream.ts'

/** Where a repository's content comes from. */
export interface Origin {
  readonly upstream: Upstream
  /** The repository's name there. */
  readonly name: RepositoryName
}

/**
 * A repository that a request means.
 * - `local`: pushed here; never asked upstream, never evicted
 * - `mirrored`: can be had again from its origin
 * - `unclaimed`: on the volume from elsewhere, without a mark; asked upstream, and what that does not have is served from here
 */
export type Repository =
  | { readonly kind: 'local'; readonly name: RepositoryName; readonly origin: undefined }
  | { readonly kind: 'mirrored' | 'unclaimed'; readonly name: RepositoryName; readonly origin: Origin }

/** A repository whose content can be had from an upstream. */
export type Mirrored = Extract<Repository, { origin: Origin }>

/** What a stored repository is: pushed here, or to be had again from an upstream, or neither for certain. */
export type Standing =
  | { readonly kind: 'local' | 'unclaimed' }
  | { readonly kind: 'mirrored'; readonly upstream: Upstream }

/** An upstream and which of its repositories may be mirrored. */
export interface UpstreamEntry {
  readonly upstream: Upstream
  /** Hosts that `?ns=` and the first path component may say for it, and its own name. */
  readonly hosts: readonly string[]
  readonly isDefault: boolean
  /** First component of the names under which its repositories are stored, unless it is the default: its host, or its name. */
  readonly prefix: string
  /** Whether bare names mean `library/…` there. */
  readonly isDockerHub: boolean
  /** Globs of repositories; empty: all. */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Whether an origin has a repository; `unknown`: that could not be found out, and the error says why. */
export type Existence =
  | { readonly kind: 'exists' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly error: UpstreamError }

/** Asks an origin whether it has a repository, as far as it shows it to us. */
export const askExistence = async ({ upstream, name }: Origin, deadlineMs: number): Promise<Existence> => {
  try {
    await upstream.tags(name, { deadlineMs })
    return { kind: 'exists' }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    return error.kind === 'absent' ? { kind: 'absent' } : { kind: 'unknown', error }
  }
}

/** What repositories are resolved against. */
export interface RepositoriesOptions {
  readonly upstreams: readonly UpstreamEntry[]
  /** Hosts under which this registry itself is known: such an `ns` counts as none. */
  readonly ownHosts: readonly string[]
  /** Globs of names that are always local. */
  readonly local: readonly string[]
  /** Names that distribution's pull-through cache left on this volume. */
  readonly adopted: ReadonlySet<string>
  readonly marks: MarkStore
  readonly links: LinkStore
}

interface CompiledEntry extends UpstreamEntry {
  readonly isAllowed: (name: string) => boolean
  readonly isDenied: (name: string) => boolean
}

const compile = (entry: UpstreamEntry): CompiledEntry => ({
  ...entry,
  isAllowed: entry.allow.length === 0 ? () => true : picomatch([...entry.allow]),
  isDenied: entry.deny.length === 0 ? () => false : picomatch([...entry.deny]),
})

/** Resolves names to repositories. */
export class Repositories {
  readonly #options: RepositoriesOptions
  readonly #default: CompiledEntry | undefined
  readonly #byHost = new Map<string, CompiledEntry>()
  readonly #isAlwaysLocal: (name: string) => boolean

  constructor(options: RepositoriesOptions) {
    this.#options = options
    this.#isAlwaysLocal = options.local.length === 0 ? () => false : picomatch([...options.local])
    for (const entry of options.upstreams.map(compile)) {
      if (entry.isDefault) this.#default = entry
      for (const host of entry.hosts) this.#byHost.set(foldHost(host), entry)
    }
  }

  /**
   * The repository that a request means.
   * @param path the name as it stands in the URL
   * @param ns the `ns` parameter, if any
   * @param host the `Host` that the client asked
   * @throws RegistryError `NAME_INVALID`, `NAME_UNKNOWN` (an `ns` that is no upstream's), `DENIED` (a rule)
   */
  async resolve(path: string, ns: string | undefined, host: string | undefined): Promise<Repository> {
    const name = parseRepositoryName(path)
    if (this.#byHost.size === 0) return { kind: 'local', name, origin: undefined }
    const namespace = this.#namespaceOf(ns, host)
    if (namespace !== undefined) return this.#resolveNamespace(name, namespace)
    const [first, ...rest] = name.split('/') as [string, ...string[]]
    const named = rest.length === 0 ? undefined : this.#byHost.get(foldHost(first))
    if (named !== undefined) return this.#mirrored(named, parseRepositoryName(rest.join('/')))
    if (await this.isLocal(name)) return { kind: 'local', name, origin: undefined }
    if (this.#default === undefined) return { kind: 'local', name, origin: undefined }
    return this.#mirrored(this.#default, name)
  }

  /**
   * The repository that a push means: always under the name as it is written, so that `app` is not `library/app`. Whether
   * it may be pushed to, where it is not local yet, is `push/claim`'s to find out.
   * @throws as {@link resolve}; `DENIED` where the name says that it is an upstream's
   */
  async resolvePush(path: string, ns: string | undefined, host: string | undefined): Promise<Repository> {
    const repository = await this.resolve(path, ns, host)
    if (repository.kind === 'local') return repository
    const name = parseRepositoryName(path)
    if (this.#namespaceOf(ns, host) === undefined && !this.#namesUpstream(name))
      return { ...repository, name }
    throw new RegistryError('DENIED', {
      message: `${name} is a repository of ${repository.origin.upstream.name} and cannot be pushed to, unless local.repositories lists it`,
    })
  }

  /** What a stored repository is, whoever asks. One whose upstream is none any more is unclaimed as well. */
  async classify(name: RepositoryName): Promise<Standing> {
    const mark = await this.#options.marks.read(name)
    if (this.isListedLocal(name) || mark?.kind === 'local') return { kind: 'local' }
    const entry =
      mark !== undefined
        ? this.#byHost.get(foldHost(mark.upstream))
        : this.#options.adopted.has(name)
          ? this.#default
          : undefined
    if (entry !== undefined) return { kind: 'mirrored', upstream: entry.upstream }
    const isAnybodys = mark !== undefined || this.#options.adopted.has(name) || this.#namesUpstream(name)
    return { kind: isAnybodys || this.#default !== undefined ? 'unclaimed' : 'local' }
  }

  /** Whether a stored name is local: by `local.repositories`, or because something was pushed there. */
  async isLocal(name: RepositoryName): Promise<boolean> {
    return this.isListedLocal(name) || (await this.#options.marks.read(name))?.kind === 'local'
  }

  /** Whether `local.repositories` lists a name. */
  isListedLocal(name: RepositoryName): boolean {
    return this.#isAlwaysLocal(name)
  }

  /** Whether content of a stored name came from an upstream. */
  async isMirroredHere(name: RepositoryName): Promise<boolean> {
    return this.#options.adopted.has(name) || (await this.#options.marks.read(name))?.kind === 'mirrored'
  }

  /** Whether the first component of a name is an upstream's host or name. */
  #namesUpstream(name: RepositoryName): boolean {
    const [first = '', ...rest] = name.split('/')
    return rest.length > 0 && this.#byHost.has(foldHost(first))
  }

  /** What `ns` says, folded; `undefined` where it says nothing, or means this registry itself. */
  #namespaceOf(ns: string | undefined, host: string | undefined): string | undefined {
    return ns === undefined || ns === '' || this.#isOwnHost(ns, host) ? undefined : foldHost(ns)
  }

  #isOwnHost(ns: string, host: string | undefined): boolean {
    const lower = ns.toLowerCase()
    return lower === host?.toLowerCase() || this.#options.ownHosts.includes(lower)
  }

  async #resolveNamespace(name: RepositoryName, namespace: string): Promise<Repository> {
    const entry = this.#byHost.get(namespace)
    if (entry === undefined)
      throw new RegistryError('NAME_UNKNOWN', {
        message: `ns=${namespace.slice(0, 100)} is none of the upstreams of this mirror; add it under upstreams`,
      })
    const repository = await this.#mirrored(entry, name)
    if (repository.kind !== 'local') return repository
    throw new RegistryError('NAME_UNKNOWN', {
      message: `${name} is a local repository of this registry, not one of ${namespace}`,
    })
  }

  async #mirrored(entry: CompiledEntry, path: RepositoryName): Promise<Repository> {
    const isBare = entry.isDockerHub && !path.includes('/')
    const there = isBare ? parseRepositoryName(`library/${path}`) : path
    if (entry.isDenied(there) || !entry.isAllowed(there))
      throw new RegistryError('DENIED', {
        message: `${there} may not be mirrored from ${entry.upstream.name}: see allow and deny of that upstream`,
      })
    const name = entry.isDefault
      ? await this.#storedName(path, there)
      : parseRepositoryName(`${entry.prefix}/${there}`)
    const origin = { upstream: entry.upstream, name: there }
    const mark = await this.#options.marks.read(name)
    if (mark?.kind === 'local' || this.isListedLocal(name)) return { kind: 'local', name, origin: undefined }
    if (mark?.kind === 'mirrored' || this.#options.adopted.has(name))
      return { kind: 'mirrored', name, origin }
    const isThere = await this.#options.links.hasRepository(name)
    return { kind: isThere ? 'unclaimed' : 'mirrored', name, origin }
  }

  /** A bare name that lies here from elsewhere, unmarked, was pushed under it: it is that one, not `library/…`. */
  async #storedName(path: RepositoryName, there: RepositoryName): Promise<RepositoryName> {
    if (path === there || !(await this.#options.links.hasRepository(path))) return there
    return path
  }
}
