/** What fast-check makes values of the specification's grammars from. */
import { digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import fc from './fast-check.ts'

/** A digest of either algorithm, of something. */
export const digests = fc
  .record({ bytes: fc.string(), algorithm: fc.constantFrom('sha256' as const, 'sha512' as const) })
  .map(({ bytes, algorithm }) => digestOf(bytes, algorithm))

/** A repository name of one to four components. */
export const repositoryNames = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,4})[a-z0-9]{1,8}){0,3}$/), {
    minLength: 1,
    maxLength: 4,
  })
  .map((components) => components.join('/') as RepositoryName)

/** A tag. */
export const tags = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/).map((text) => text as Tag)

/** A token of HTTP (RFC 9110, 5.6.2). */
export const httpTokens = fc.stringMatching(/^[!#$%&'*+.^_`|~\w-]{1,20}$/)

/** Any text, short or long, of any characters or of those that headers and paths are made of. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(...' \t,;:=/"\\<>()%@*-_.0129azAZ'), maxLength: 200 }),
)
