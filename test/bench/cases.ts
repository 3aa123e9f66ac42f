/** Every case, in the order of the page. */
import type { Case } from './bench.ts'
import { busy } from './cases/busy.ts'
import { coldBlob } from './cases/cold-blob.ts'
import { coldGigabyte } from './cases/cold-gigabyte.ts'
import { coldImage, coldImageHub } from './cases/cold-image.ts'
import { coldImageDockerd } from './cases/cold-image-dockerd.ts'
import { herd } from './cases/herd.ts'
import { manyClients } from './cases/many-clients.ts'
import { push } from './cases/push.ts'
import { smallBlobs } from './cases/small-blobs.ts'
import { start } from './cases/start.ts'
import { warmBlob, warmBlobTls } from './cases/warm-blob.ts'
import { warmManifest } from './cases/warm-manifest.ts'
import { blobs } from './growth/blobs.ts'
import { clients } from './growth/clients.ts'
import { repositories } from './growth/repositories.ts'
import { tags } from './growth/tags.ts'
import { upstreams } from './growth/upstreams.ts'

export const CASES: readonly Case[] = [
  warmBlob,
  warmBlobTls,
  warmManifest,
  smallBlobs,
  coldBlob,
  coldImage,
  coldImageHub,
  coldImageDockerd,
  coldGigabyte,
  herd,
  manyClients,
  push,
  start,
  busy,
  repositories,
  tags,
  blobs,
  clients,
  upstreams,
]
