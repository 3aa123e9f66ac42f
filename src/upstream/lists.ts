/** Lists of an upstream: tags and referrers, every page of them (distribution-spec 1.1, Content Discovery). */
import { type Digest, isDigest } from '../protocol/digest.ts'
import { isTag } from '../protocol/name.ts'
import { referrersTag } from '../protocol/referrers.ts'
import type { Asks } from './asks.ts'
import { readObject, readPages } from './pages.ts'
import type { Reply } from './reply.ts'
import type { Ask, Requester } from './requester.ts'
import { type CallOptions, UpstreamError } from './upstream.ts'

/** What lists work with. `share` gives each request the rest of the call's time. */
export interface ListTools {
  readonly asks: Asks
  readonly requester: Requester
  readonly share: () => CallOptions
}

/** A descriptor as the upstream lists it: raw JSON. */
export type RawDescriptor = Readonly<Record<string, unknown>>

const askPage =
  ({ requester, share }: ListTools, ask: Ask) =>
  (url: URL): Promise<Reply> =>
    requester.ask({ ...ask, url }, share())

const tagsIn = (reply: Reply, what: string): [string, string][] => {
  const { tags } = readObject(reply, what)
  const texts = (Array.isArray(tags) ? tags : []).filter(
    (tag: unknown) => typeof tag === 'string' && isTag(tag),
  )
  return texts.map((tag: string) => [tag, tag])
}

/** All tags of a repository, in the upstream's order. @throws UpstreamError */
export const readTags = async (tools: ListTools, name: string): Promise<string[]> => {
  const read = (ask: Ask) =>
    readPages(ask.url, ask.what, askPage(tools, ask), (reply) => tagsIn(reply, ask.what))
  try {
    return await read(tools.asks.tags(name))
  } catch (error) {
    // distribution 3.0 refuses an `n` above its own setting.
    if (!(error instanceof UpstreamError) || error.status !== 400) throw error
    return await read(tools.asks.tags(name, Number.POSITIVE_INFINITY))
  }
}

const descriptorsIn = (reply: Reply, what: string): [string, RawDescriptor][] => {
  const { manifests } = readObject(reply, what)
  return (Array.isArray(manifests) ? manifests : []).flatMap((entry: unknown): [string, RawDescriptor][] => {
    const digest = (entry as RawDescriptor | null)?.digest
    return typeof digest === 'string' && isDigest(digest) ? [[digest, entry as RawDescriptor]] : []
  })
}

const isAbsent = (error: unknown): boolean => error instanceof UpstreamError && error.kind === 'absent'

/**
 * The descriptors that refer to `subject`: by the API, else by the tag schema, else none; also where the upstream does
 * not know the repository.
 * @throws UpstreamError
 */
export const readReferrers = async (
  tools: ListTools,
  name: string,
  subject: Digest,
): Promise<RawDescriptor[]> => {
  const ask = tools.asks.referrers(name, subject)
  try {
    return await readPages(ask.url, ask.what, askPage(tools, ask), (reply) => descriptorsIn(reply, ask.what))
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
  const byTag = tools.asks.manifest('GET', name, { kind: 'tag', tag: referrersTag(subject) })
  try {
    const reply = await tools.requester.ask(byTag, tools.share())
    return descriptorsIn(reply, byTag.what).map(([, descriptor]) => descriptor)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}
