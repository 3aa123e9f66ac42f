import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../src/protocol/digest.ts'
import { RegistryError } from '../src/protocol/error.ts'
import { parseRepositoryName } from '../src/protocol/name.ts'
import { Repositories, type RepositoriesOptions, type UpstreamEntry } from '../src/repository.ts'
import { FilesystemDriver } from '../src/store/drivers/filesystem.ts'
import { LinkStore } from '../src/store/links.ts'
import { MarkStore } from '../src/store/marks.ts'
import type { Upstream } from '../src/upstream/upstream.ts'
import { makeFolder } from './support/entrepot.ts'

const entry = (host: string, more: Partial<UpstreamEntry> = {}): UpstreamEntry => ({
  upstream: { name: host, host } as Upstream,
  hosts: [host],
  isDefault: false,
  prefix: host,
  isDockerHub: host === 'docker.io',
  allow: [],
  deny: [],
  ...more,
})

const HUB = entry('docker.io', { isDefault: true })
const GHCR = entry('ghcr.io', { deny: ['evil/**'] })
const LAB = entry('lab.example:5000', {
  hosts: ['lab.example:5000', 'lab'],
  prefix: 'lab',
  allow: ['team/*'],
})

describe('the repository that a request means', () => {
  let root: string
  let stores: Pick<RepositoriesOptions, 'links' | 'marks'>

  before(async () => {
    root = await makeFolder()
    const driver = new FilesystemDriver(root)
    stores = { links: new LinkStore(driver), marks: new MarkStore(driver) }
    await stores.marks.write(parseRepositoryName('app'), { kind: 'local', isKept: true })
    await stores.marks.write(parseRepositoryName('library/mine'), { kind: 'local', isKept: true })
    await stores.links.linkBlob(parseRepositoryName('found/here'), digestOf('x'))
    await stores.links.linkBlob(parseRepositoryName('cached/before'), digestOf('x'))
  })
  after(() => rm(root, { recursive: true }))

  const repositories = (
    upstreams: readonly UpstreamEntry[],
    more: Partial<RepositoriesOptions> = {},
  ): Repositories =>
    new Repositories({
      upstreams,
      ownHosts: ['mirror.example'],
      local: ['own/**'],
      adopted: new Set(['cached/before']),
      ...stores,
      ...more,
    })

  /** `kind name @ upstream/name there`, or the error's code. */
  const resolve = async (upstreams: readonly UpstreamEntry[], path: string, ns?: string): Promise<string> => {
    try {
      const { kind, name, origin } = await repositories(upstreams).resolve(path, ns, 'localhost:5000')
      return origin === undefined
        ? `${kind} ${name}`
        : `${kind} ${name} @ ${origin.upstream.name}/${origin.name}`
    } catch (error) {
      return error instanceof RegistryError ? error.code : String(error)
    }
  }

  const all = [HUB, GHCR, LAB]
  const cases: readonly [what: string, path: string, ns: string | undefined, means: string][] = [
    [
      'a name of the default upstream',
      'library/alpine',
      undefined,
      'mirrored library/alpine @ docker.io/library/alpine',
    ],
    [
      'an official image by its bare name',
      'alpine',
      undefined,
      'mirrored library/alpine @ docker.io/library/alpine',
    ],
    ['the same by ns', 'alpine', 'docker.io', 'mirrored library/alpine @ docker.io/library/alpine'],
    [
      'the same by another of its hosts',
      'library/alpine',
      'registry-1.docker.io',
      'mirrored library/alpine @ docker.io/library/alpine',
    ],
    [
      'the same by its path',
      'docker.io/library/alpine',
      undefined,
      'mirrored library/alpine @ docker.io/library/alpine',
    ],
    [
      'the same by a bare path',
      'docker.io/alpine',
      undefined,
      'mirrored library/alpine @ docker.io/library/alpine',
    ],
    [
      'another upstream by its path',
      'ghcr.io/org/app',
      undefined,
      'mirrored ghcr.io/org/app @ ghcr.io/org/app',
    ],
    ['another upstream by ns', 'org/app', 'ghcr.io', 'mirrored ghcr.io/org/app @ ghcr.io/org/app'],
    ['an ns in capitals', 'org/app', 'GHCR.IO', 'mirrored ghcr.io/org/app @ ghcr.io/org/app'],
    [
      'an upstream with a port, by its name',
      'lab/team/app',
      undefined,
      'mirrored lab/team/app @ lab.example:5000/team/app',
    ],
    [
      'an upstream with a port, by ns',
      'team/app',
      'lab.example:5000',
      'mirrored lab/team/app @ lab.example:5000/team/app',
    ],
    ['an ns of nobody', 'org/app', 'quay.io', 'NAME_UNKNOWN'],
    ['an ns of this registry itself', 'own/app', 'localhost:5000', 'local own/app'],
    ['an ns of this registry by its configured host', 'own/app', 'mirror.example', 'local own/app'],
    ['a local repository by its bare name', 'app', undefined, 'local app'],
    ['a local repository in place of an official image', 'mine', undefined, 'local library/mine'],
    [
      'a local repository that somebody calls another registry’s',
      'library/mine',
      'docker.io',
      'NAME_UNKNOWN',
    ],
    ['a name that local.repositories lists', 'own/anything/else', undefined, 'local own/anything/else'],
    ['a denied name', 'ghcr.io/evil/app', undefined, 'DENIED'],
    ['a name that is not allowed', 'lab/other/app', undefined, 'DENIED'],
    [
      'what registry:2 left as its cache',
      'cached/before',
      undefined,
      'mirrored cached/before @ docker.io/cached/before',
    ],
    ['what is here without a mark', 'found/here', undefined, 'unclaimed found/here @ docker.io/found/here'],
    ['no name', 'UPPER', undefined, 'NAME_INVALID'],
  ]
  for (const [what, path, ns, means] of cases)
    it(`is right for ${what}`, async () => assert.equal(await resolve(all, path, ns), means))

  it('is always local without an upstream, whatever the ns says', async () => {
    assert.equal(await resolve([], 'kind/app', 'docker.io'), 'local kind/app')
  })

  it('is local for a plain name where there is no default upstream', async () => {
    assert.equal(await resolve([GHCR], 'team/app'), 'local team/app')
  })
})
