/** `storage`: where the bytes lie. distribution's section; the driver is the key that names one. */
import { anything, flag, goDuration, goWait, integer, path, secret, size, text } from '../kinds.ts'
import { mapOf, section } from '../section.ts'

const MIB = 2 ** 20

const refused = 'bytes would lie elsewhere than you expect; use storage.filesystem'

const filesystem = section(
  {
    rootdirectory: path
      .default('/var/lib/registry')
      .describe('Folder of the store, in the layout of distribution.'),
    maxthreads: integer(0).default(100).meta({
      description: 'Parallel file operations.',
      instead: 'set UV_THREADPOOL_SIZE in the environment',
    }),
  },
  { isPresence: true },
)

const s3 = section(
  {
    accesskey: secret.optional().describe('Access key.'),
    secretkey: secret.optional().describe('Secret key.'),
    sessiontoken: secret.optional().describe('Session token.'),
    region: text.optional().describe('Region.'),
    regionendpoint: text.optional().describe('Endpoint of an S3-compatible store.'),
    forcepathstyle: flag.default(false).describe('Puts the bucket into the path.'),
    bucket: text.optional().describe('Bucket.'),
    encrypt: flag.default(false).describe('Asks the store to encrypt.'),
    keyid: text.optional().describe('KMS key to encrypt with.'),
    secure: flag.default(true).describe('Talks TLS to the store.'),
    skipverify: flag.default(false).describe('Does not verify the certificate of the store.'),
    v4auth: flag.default(true).describe('Signs with version 4.'),
    chunksize: size.default(10 * MIB).describe('Part size of an upload.'),
    multipartcopychunksize: size.default(32 * MIB).describe('Part size of a copy.'),
    multipartcopymaxconcurrency: integer(1).default(100).describe('Parts copied at once.'),
    multipartcopythresholdsize: size.default(32 * MIB).describe('Size from which a copy is made in parts.'),
    rootdirectory: text.optional().describe('Prefix of every key in the bucket.'),
    storageclass: text.default('STANDARD').describe('Storage class of new objects.'),
    objectacl: text.default('private').describe('ACL of new objects.'),
    useragent: text.optional().describe('User agent of requests.'),
    usedualstack: flag.default(false).describe('Uses dual-stack endpoints.'),
    accelerate: flag.default(false).describe('Uses transfer acceleration.'),
    usefipsendpoint: flag.default(false).describe('Uses FIPS endpoints.'),
    redirectendpoint: text.optional().describe('Endpoint that clients are redirected to.'),
    loglevel: text.default('off').describe('What the driver logs.'),
  },
  { isPresence: true },
)

const foreignDriver = (name: string) =>
  mapOf(anything, { isPresence: true })
    .optional()
    .meta({ description: `Storage in ${name}.`, refused })

const uploadpurging = section({
  enabled: flag.default(true).describe('Whether stale uploads are removed.'),
  age: goDuration.default(168 * 3_600_000).describe('Age at which an upload is stale.'),
  interval: goWait.default(24 * 3_600_000).describe('Time between two sweeps.'),
  dryrun: flag.default(false).describe('Only logs what would be removed.'),
})

/** Section `storage`. */
export const storage = section(
  {
    filesystem: filesystem.optional().describe('Storage in a folder.'),
    inmemory: section({}, { isPresence: true }).optional().meta({
      description: 'Storage in memory.',
      refused: 'use storage.filesystem with its rootdirectory on a tmpfs',
    }),
    s3: s3.optional().meta({ description: 'Storage in S3.', refused }),
    azure: foreignDriver('Azure'),
    gcs: foreignDriver('Google Cloud Storage'),
    swift: foreignDriver('OpenStack Swift'),
    oss: foreignDriver('Aliyun OSS'),
    delete: section({
      enabled: flag
        .default(false)
        .describe('Allows `DELETE` of manifests, tags and blobs; off, it is answered 405 `UNSUPPORTED`.'),
    })
      .prefault({})
      .describe('Deletes by clients.'),
    redirect: section({
      disable: flag.default(false).describe('Never redirects clients to the storage; a folder never does.'),
    })
      .prefault({})
      .describe('Redirects to the storage.'),
    cache: section({
      blobdescriptor: text.default('inmemory').meta({
        description: 'Where descriptors are cached.',
        instead: 'descriptors are cached in memory',
      }),
      layerinfo: text.optional().describe('Old spelling of `blobdescriptor`.'),
      blobdescriptorsize: integer(0).default(10_000).meta({
        description: 'Descriptors in the cache.',
        instead: 'the cache in memory has a size of its own',
      }),
    })
      .prefault({})
      .describe('Cache of descriptors.'),
    tag: section({
      concurrencylimit: integer(0).default(0).meta({
        description: 'Tags looked up at once.',
        instead: 'parallel file operations are bounded for the whole process by UV_THREADPOOL_SIZE',
      }),
    })
      .prefault({})
      .describe('Tag look-ups.'),
    maintenance: section({
      uploadpurging: uploadpurging.prefault({}).describe('Removal of stale uploads.'),
      readonly: section({
        enabled: flag.default(false).describe('Refuses pushes and deletes with 405.'),
      })
        .prefault({})
        .describe('Read-only mode.'),
    })
      .prefault({})
      .describe('Upkeep.'),
  },
  { isChoice: true },
)

/** The words for the drivers: a `storage` section has exactly one of them. */
export const STORAGE_DRIVERS = ['filesystem', 'inmemory', 's3', 'azure', 'gcs', 'swift', 'oss'] as const
