/** References as people type them, and the repository under whose name the server stores what they mean. */
import type { ExplainAnswer } from './admin-answers.ts'
import type { AdminClient } from './admin-client.ts'
import { UsageError } from './command.ts'

/** An image, taken apart: no tag and no digest mean the whole repository. */
export interface ImageReference {
  readonly name: string
  readonly tag?: string
  readonly digest?: string
}

const REFERENCE = /^(?<name>[^\s@:][^\s@]*?)(?::(?<tag>[\w.-]+))?(?:@(?<digest>[a-z0-9]+:[0-9a-f]+))?$/

/**
 * Takes a reference apart: `alpine`, `alpine:3`, `localhost:5000/app@sha256:…`. A port is no tag.
 * @throws UsageError
 */
export const parseImage = (text: string): ImageReference => {
  const { name, tag, digest } = REFERENCE.exec(text)?.groups ?? {}
  if (name === undefined)
    throw new UsageError(`${text} is no reference: say it like alpine:3 or alpine@sha256:…`)
  return { name, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

/** The same under the name by which the server has it: `alpine` is `library/alpine` of Docker Hub. */
export const resolveImage = async (client: AdminClient, text: string): Promise<ImageReference> => {
  const image = parseImage(text)
  const { repository } = await client.get<ExplainAnswer>('/explain', { reference: text })
  return { ...image, name: repository }
}

/** What a tag or a digest is called in calls that take either; `latest` where neither is said, as everywhere. */
export const referenceOf = ({ tag, digest }: ImageReference): string => digest ?? tag ?? 'latest'
