/** The data sets of the public suite: every shape of image, index and artifact that a registry must take. */
import { ContentSet, type Descriptor, TYPES } from './content.ts'

/** Makes a set of its own content. */
export type MakeSet = (seed: string) => ContentSet

const PLATFORMS = ['amd64', 'arm64'] as const

const withPlatform = (descriptor: Descriptor, architecture: string): Descriptor => ({
  ...descriptor,
  platform: { os: 'linux', architecture },
})

const make =
  (fill: (set: ContentSet) => void, algorithm: 'sha256' | 'sha512' = 'sha256'): MakeSet =>
  (seed) => {
    const set = new ContentSet(seed, algorithm)
    fill(set)
    return set
  }

const platformImages = (set: ContentSet, fields: object = {}): Descriptor[] =>
  PLATFORMS.map((architecture) => withPlatform(set.image(architecture, fields), architecture))

const withData = (set: ContentSet, descriptor: Descriptor): Descriptor => ({
  ...descriptor,
  data: set.blobs.get(descriptor.digest)!.bytes.toString('base64'),
})

/** 390 annotations of 10,000 characters: about 3.9 MB. */
const manyAnnotations = (): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 390 }, (_, i) => [`org.example.annotation.${i}`, 'x'.repeat(10_000)]),
  )

const foreignLayer = (set: ContentSet, name: string): Descriptor => {
  const descriptor = set.describe(Buffer.from(`foreign ${name}`), TYPES.foreignLayer)
  return { ...descriptor, urls: [`https://store.example.com/blobs/sha256/${descriptor.digest.slice(7)}`] }
}

const artifactsWithSubject = (set: ContentSet): void => {
  const subject = set.image('subject', {}, ['subject'])
  const image = set.image('without-type', { subject })
  set.expectReferrer(subject, image, TYPES.config)
  for (const name of ['sbom', 'signature']) {
    const annotations = { 'org.example.name': name, 'org.example.more': 'yes' }
    const artifact = set.artifact(name, { subject, annotations }, [name])
    set.expectReferrer(subject, artifact, `application/vnd.example.${name}`, { annotations })
  }
}

const indexWithSubject = (set: ContentSet): void => {
  const subject = set.image('index-subject', {}, ['index-subject'])
  const children = PLATFORMS.map((name) => set.artifact(name, { subject }))
  PLATFORMS.forEach((name, i) => {
    set.expectReferrer(subject, children[i]!, `application/vnd.example.${name}`)
  })
  const artifactType = 'application/vnd.example.index'
  const index = set.index(children, { artifactType, subject }, ['index-with-subject'])
  set.expectReferrer(subject, index, artifactType)
}

const missingSubject = (set: ContentSet): void => {
  const subject = set.describe(Buffer.from('{"never":"pushed"}'), TYPES.manifest)
  const artifact = set.artifact('orphan', { subject }, ['missing-subject'])
  set.expectReferrer(subject, artifact, 'application/vnd.example.orphan')
}

const sparse = (set: ContentSet): void => {
  const absent = set.describe(Buffer.from('never pushed'), TYPES.layer)
  const image = set.image('sparse', { layers: [set.layer('present'), absent] }, ['sparse-image'])
  const child = withPlatform(set.describe(Buffer.from('{"never":"pushed"}'), TYPES.manifest), 'arm64')
  set.index([withPlatform(image, 'amd64'), child], {}, ['sparse-index'])
}

/** Sets that need a registry which takes manifests whose content is not there (`validation.disabled`). */
export const SPARSE: Readonly<Record<string, MakeSet>> = {
  'an image without one of its layers, and an index without one of its children': make(sparse),
}

/** All other sets, by what is in them. */
export const SETS: Readonly<Record<string, MakeSet>> = {
  'an image': make((set) => set.image('amd64', {}, ['image'])),
  'an image of layers that are not compressed': make((set) => {
    const layers = [set.layer('plain 1', TYPES.layerTar), set.layer('plain 2', TYPES.layerTar)]
    set.image('amd64', { layers }, ['image-uncompressed'])
  }),
  'an image with 3.9 MB of annotations': make((set) =>
    set.image('amd64', { annotations: manyAnnotations() }, ['large-manifest']),
  ),
  'an index of two platforms': make((set) => set.index(platformImages(set), {}, ['index'])),
  'an index of indexes': make((set) => {
    const indexes = PLATFORMS.map((name) => set.index([set.image(name)]))
    set.index(indexes, {}, ['nested-index'])
  }),
  'an empty index, under a tag that was in use': make((set) => set.index([], {}, ['index'])),
  'an artifact': make((set) => set.artifact('artifact', {}, ['artifact'])),
  'an index of artifacts': make((set) => {
    const children = [set.artifact('one'), set.artifact('two')]
    set.index(children, { artifactType: 'application/vnd.example.both' }, ['artifact-index'])
  }),
  'an artifact without layers': make((set) =>
    set.artifact('bare', { layers: [set.empty()] }, ['artifact-without-layers']),
  ),
  'artifacts with a subject': make(artifactsWithSubject),
  'an index with a subject, and its children with the same': make(indexWithSubject),
  'an artifact whose subject is missing': make(missingSubject),
  'an image whose descriptors hold their data': make((set) => {
    const config = withData(set, set.config('data'))
    const layers = [withData(set, set.layer('data 1')), withData(set, set.layer('data 2'))]
    set.manifest({ mediaType: TYPES.manifest, config, layers }, ['data-field'])
  }),
  'an image of layers that are not distributed': make((set) => {
    const layers = [foreignLayer(set, 'one'), foreignLayer(set, 'two'), set.layer('ordinary')]
    set.image('amd64', { layers }, ['non-distributable-layers'])
  }),
  'unknown fields everywhere': make((set) => {
    const fields = { 'org.example.custom': { any: ['thing'] } }
    const config = set.config('custom', fields)
    const image = set.image('custom', { ...fields, config })
    set.index([withPlatform(image, 'amd64')], fields, ['custom-fields'])
  }),
  'an image of no layers': make((set) => set.image('amd64', { layers: [] }, ['no-layers'])),
  'everything under sha512, by digest only': make((set) => set.index(platformImages(set)), 'sha512'),
}

/** Sets whose tags are made by `?tag=` of a push by digest. */
export const TAGGED_SETS: Readonly<Record<string, MakeSet>> = Object.fromEntries(
  (['sha256', 'sha512'] as const).map((algorithm) => [
    `tags by parameter, of ${algorithm} manifests`,
    make((set) => {
      const images = PLATFORMS.map((name) => set.image(name, {}, [`parameter-${name}`]))
      set.index(images, {}, ['parameter-a', 'parameter-b'])
    }, algorithm),
  ]),
)
