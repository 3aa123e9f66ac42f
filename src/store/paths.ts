/**
 * Where things lie: the layout of distribution, so that a volume of `registry:2` is simply mounted and can be taken
 * back, and beside it what entrepot adds. The only code that knows it. Pure: digest, name, tag → key.
 *
 *     docker/registry/v2/
 *       blobs/sha256/<2 hex>/<hex>/data                      bytes of blobs and manifests, always by sha256
 *       repositories/<name>/
 *         _layers/<algorithm>/<hex>/link                     the repository has this blob
 *         _manifests/revisions/<algorithm>/<hex>/link        … and this manifest
 *         _manifests/tags/<tag>/current/link                 what a tag points at
 *         _manifests/tags/<tag>/index/<algorithm>/<hex>/link what it ever pointed at
 *     entrepot/
 *       partials/<algorithm>-<hex>.<owner>                   blobs being fetched
 *       uploads/<id>/                                        blobs being pushed
 *       admin-token                                          what `admin.token` is where it is not set (0600)
 *       counts/<name>                                        counts that last, in decimal digits
 *       owners/<owner>                                       processes on this volume, renewed every few seconds
 *       use/<2 hex>                                          last use of blobs (see store/uses)
 *       mirrored-size                                        bytes of mirrored content, by bucket and upstream
 *       scrub                                                how far the scrub has come, and what the last one found
 *       mended                                               when links that a power cut tore were last looked for
 *       trash/<hex>/data                                     blobs that are being removed
 *       quarantine/<hex>/data                                blobs whose bytes are not what they were
 *       repositories/<name>/_mark                            local, or mirrored from where
 *                          /_public                          whether its upstream shows it to anybody
 *                          /_asked/<tag>                     when the upstream was last asked for a tag
 *                          /_confirmed/<alg>-<hex>           blobs of an unclaimed one that its upstream has, too
 *                          /_pins/{tag,digest}/<…>           what is kept whatever the disk budget says
 *                          /_pulls                           how often it and its tags are pulled (see store/pulls)
 *                          /_referrers/<alg>/<hex>/<alg>-<hex>  manifests with this subject
 *                          /_referrers/_seen                 of which manifests that list knows
 *
 * A `link` holds a digest as text, without a newline; it may name bytes of another algorithm (a sha512 link holds the
 * sha256 digest). No component of a name begins with `_`, so names and folders never collide.
 */
import { algorithmOf, type Digest, encodedOf, isDigest } from '../protocol/digest.ts'
import type { Reference, RepositoryName, Tag } from '../protocol/name.ts'

const ROOT = 'docker/registry/v2'
const OWN = 'entrepot'

/** All blobs; below it `<algorithm>/<2 hex>/<hex>/data`. */
const BLOBS_PREFIX = `${ROOT}/blobs`
/** All repositories. */
export const REPOSITORIES_PREFIX = `${ROOT}/repositories`
/** What distribution's pull-through cache leaves: which content expires when. */
export const SCHEDULER_STATE_KEY = 'scheduler-state.json'
/** Growing files of fetches: a folder of this process, not reached through the driver. */
export const PARTIALS_FOLDER = `${OWN}/partials`
/** Growing files of pushes: likewise. */
export const UPLOADS_FOLDER = `${OWN}/uploads`
/** Files in the making, before they get their name: likewise. */
export const TEMPORARY_FOLDER = `${OWN}/tmp`
/** One entry a process that works on this volume. */
export const OWNERS_PREFIX = `${OWN}/owners`
/** How many bytes the mirror has saved, ever since the volume is used. */
export const SAVED_BYTES_KEY = `${OWN}/counts/saved-bytes`
/** The token for admin calls, readable by the owner alone. */
export const ADMIN_TOKEN_KEY = `${OWN}/admin-token`
/** Own keys and tokens, readable by the owner alone. */
export const KEYS_PREFIX = `${OWN}/keys`
/** What entrepot knows of repositories. */
/** Own folders of repositories. */
export const MARKS_PREFIX = `${OWN}/repositories`

const digestPath = (digest: Digest): string => `${algorithmOf(digest)}/${encodedOf(digest)}`
const repository = (name: RepositoryName): string => `${REPOSITORIES_PREFIX}/${name}`

/** Everything of a repository in distribution's layout, and other repositories whose names begin with its name. */
export const repositoryFolder = repository

/** The bytes of a blob or manifest, by its sha256 digest. */
export const blobKey = (digest: Digest): string =>
  `${BLOBS_PREFIX}/${algorithmOf(digest)}/${encodedOf(digest).slice(0, 2)}/${encodedOf(digest)}/data`

/** Folder of a blob: what is removed when the blob goes. */
export const blobFolder = (digest: Digest): string => blobKey(digest).slice(0, -'/data'.length)

/** The part of the store that a blob is in, by the first two digits of its digest: `00` to `ff`. */
export const bucketOf = (digest: Digest): string => encodedOf(digest).slice(0, 2)

/** All buckets, in order. */
export const BUCKETS: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, '0'),
)

/** The folder of a bucket's blobs; below it `<hex>/data`. */
export const bucketPrefix = (bucket: string): string => `${BLOBS_PREFIX}/sha256/${bucket}`

/** How many bytes of mirrored content there are, by bucket and upstream. */
export const MIRRORED_SIZE_KEY = `${OWN}/mirrored-size`

/** How far the scrub has come, and what the last whole one found. */
export const SCRUB_KEY = `${OWN}/scrub`

/** When links that a power cut tore were last looked for. */
export const MENDED_KEY = `${OWN}/mended`

/** Blobs that are being removed: what is left here by a crash is put back. */
export const TRASH_PREFIX = `${OWN}/trash`
/** Folder of a blob while it is being removed. */
export const trashFolder = (digest: Digest): string => `${TRASH_PREFIX}/${encodedOf(digest)}`

/** Blobs whose bytes are not what they were. */
export const QUARANTINE_PREFIX = `${OWN}/quarantine`
/** Folder of a blob that was put aside since its bytes are not what they were. */
export const quarantineFolder = (digest: Digest): string => `${QUARANTINE_PREFIX}/${encodedOf(digest)}`

/** What is known of the uses of a bucket's blobs. */
export const useKey = (bucket: string): string => `${OWN}/use/${bucket}`

/** The folder of a repository's blob links; below it `<algorithm>/<hex>/link`. */
export const layersPrefix = (name: RepositoryName): string => `${repository(name)}/_layers`
/** That a repository has a blob. */
export const layerLinkKey = (name: RepositoryName, digest: Digest): string =>
  `${layersPrefix(name)}/${digestPath(digest)}/link`

/** The folder of a repository's manifests and tags. */
export const manifestsFolder = (name: RepositoryName): string => `${repository(name)}/_manifests`
/** The folder of a repository's manifests; below it `<algorithm>/<hex>/link`. */
export const revisionsPrefix = (name: RepositoryName): string => `${repository(name)}/_manifests/revisions`
/** That a repository has a manifest. */
export const revisionLinkKey = (name: RepositoryName, digest: Digest): string =>
  `${revisionsPrefix(name)}/${digestPath(digest)}/link`

/** The folder of a repository's tags. */
export const tagsPrefix = (name: RepositoryName): string => `${repository(name)}/_manifests/tags`
/** Everything about one tag. */
export const tagFolder = (name: RepositoryName, tag: Tag): string => `${tagsPrefix(name)}/${tag}`
/** What a tag points at. */
export const tagCurrentKey = (name: RepositoryName, tag: Tag): string =>
  `${tagFolder(name, tag)}/current/link`
/** What a tag ever pointed at; below it `<algorithm>/<hex>/link`. */
export const tagIndexPrefix = (name: RepositoryName, tag: Tag): string => `${tagFolder(name, tag)}/index`
/** That a tag once pointed at a digest: written for distribution, and read where a tag is torn. */
export const tagIndexKey = (name: RepositoryName, tag: Tag, digest: Digest): string =>
  `${tagIndexPrefix(name, tag)}/${digestPath(digest)}/link`

const own = (name: RepositoryName): string => `${MARKS_PREFIX}/${name}`

/** Whether a repository is local or mirrored. */
export const markKey = (name: RepositoryName): string => `${own(name)}/_mark`
/** Whether its upstream shows a repository to anybody. */
export const publicKey = (name: RepositoryName): string => `${own(name)}/_public`
/** When the upstream was last asked for a tag. */
export const askedKey = (name: RepositoryName, tag: Tag): string => `${own(name)}/_asked/${tag}`
/** How often it and its tags are pulled. */
export const pullsKey = (name: RepositoryName): string => `${own(name)}/_pulls`
/** The blobs of an unclaimed repository that its upstream has, too. */
export const confirmedPrefix = (name: RepositoryName): string => `${own(name)}/_confirmed`
/** Name of the folder of a repository's pins. */
export const PINS_FOLDER = '_pins'
/** The tags or digests of a repository that are kept whatever the disk budget says. */
export const pinsPrefix = (name: RepositoryName, kind: Reference['kind']): string =>
  `${own(name)}/${PINS_FOLDER}/${kind}`
/** One of them. */
export const pinKey = (name: RepositoryName, reference: Reference): string =>
  `${pinsPrefix(name, reference.kind)}/${reference.kind === 'tag' ? reference.tag : formatFileDigest(reference.digest)}`
/** The manifests that have this one as their subject, one entry each. */
export const referrersPrefix = (name: RepositoryName, subject: Digest): string =>
  `${own(name)}/_referrers/${digestPath(subject)}`
/** One referrer of a subject. */
export const referrerKey = (name: RepositoryName, subject: Digest, referrer: Digest): string =>
  `${referrersPrefix(name, subject)}/${referrer.replace(':', '-')}`

/** The folder of all lists of referrers of a repository. */
export const referrersFolder = (name: RepositoryName): string => `${own(name)}/_referrers`
/** Of which manifests of a repository the lists of referrers know. */
export const referrersSeenKey = (name: RepositoryName): string => `${own(name)}/_referrers/_seen`

/** The folder where docker-registry keeps a repository's unfinished pushes; below it `<id>/{data,startedat,…}`. */
export const foreignUploadsPrefix = (name: RepositoryName): string => `${repository(name)}/_uploads`

/** The digest that a file name `<algorithm>-<hex>` stands for, or `undefined`. */
export const parseFileDigest = (name: string): Digest | undefined => {
  const text = name.replace('-', ':')
  return isDigest(text) ? text : undefined
}

/** `<algorithm>-<hex>`: a digest as a file name. */
export const formatFileDigest = (digest: Digest): string => digest.replace(':', '-')
