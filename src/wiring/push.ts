/** `local`, `storage` and `validation` of the configuration → what takes pushes and deletes. */
import { join } from 'node:path'
import { localPushOf } from '../config/accounts.ts'
import type { Config } from '../config/schema.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { PushServices } from '../http/app.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { Claims } from '../push/claim.ts'
import { Deletes } from '../push/delete.ts'
import { ManifestPush } from '../push/manifest.ts'
import { Mounts } from '../push/mount.ts'
import { createImmutable } from '../push/precondition.ts'
import { UploadSweep } from '../push/sweep.ts'
import { Uploads } from '../push/upload.ts'
import type { ValidationRules } from '../push/validation.ts'
import type { Repositories } from '../repository.ts'
import { UPLOADS_FOLDER } from '../store/paths.ts'
import { UploadStore } from '../store/uploads.ts'
import type { Store } from './store.ts'
import { uploadSecret } from './upload-secret.ts'

/** What pushes are taken with besides the store. */
export interface PushTools {
  readonly repositories: Repositories
  readonly coordinator: Coordinator
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const validationOf = ({ validation }: Config): ValidationRules => {
  const { urls, indexes } = validation.manifests
  return {
    isDisabled: validation.disabled,
    allowUrls: urls.allow.map((pattern) => new RegExp(pattern, 'u')),
    denyUrls: urls.deny.map((pattern) => new RegExp(pattern, 'u')),
    platforms: indexes.platforms === 'list' ? indexes.platformlist : indexes.platforms,
  }
}

/** Builds what takes pushes and deletes, and what sweeps after them. */
export const createPush = (config: Config, store: Store, tools: PushTools) => {
  const parts = { ...store, ...tools }
  const uploadStore = new UploadStore(join(store.root, UPLOADS_FOLDER), store.owner)
  const claims = new Claims({ ...parts, uploads: uploadStore, isPushOn: localPushOf(config) !== 'off' })
  const uploads = new Uploads({ ...parts, store: uploadStore, claims })
  const isImmutable = createImmutable(config.local.immutabletags)
  const { uploadpurging, readonly } = config.storage.maintenance
  const services: PushServices = {
    claims,
    uploads,
    mounts: new Mounts({ ...parts, claims }),
    manifests: new ManifestPush({ ...parts, claims, validation: validationOf(config), isImmutable }),
    deletes: new Deletes({ ...parts, isEnabled: config.storage.delete.enabled, isImmutable }),
    secret: uploadSecret(config.http.secret, store.root, tools.log),
    isReadOnly: readonly.enabled,
  }
  const sweep = new UploadSweep({
    ...parts,
    uploads,
    isEnabled: uploadpurging.enabled && !readonly.enabled,
    ageMs: uploadpurging.age,
    intervalMs: uploadpurging.interval,
    isDryRun: uploadpurging.dryrun,
  })
  return {
    services,
    /** Begins to sweep. */
    start: () => sweep.start(),
    /** Ends what runs by itself; what has come of uploads stays for the next start. */
    async close(): Promise<void> {
      await sweep.stop()
      await uploads.settle()
    },
  }
}
