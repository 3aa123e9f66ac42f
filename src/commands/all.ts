/** Every command, in the order of the help text. */
import { addAccess } from './access.ts'
import { addCerts } from './certs.ts'
import type { AddCommand } from './command.ts'
import { addConfig } from './config.ts'
import { addDoctor } from './doctor.ts'
import { addExplain } from './explain.ts'
import { addGc } from './gc.ts'
import { addHealth } from './health.ts'
import { addJobs } from './jobs.ts'
import { addLs } from './ls.ts'
import { addPin, addUnpin } from './pin.ts'
import { addPurge } from './purge.ts'
import { addRefresh } from './refresh.ts'
import { addScrub } from './scrub.ts'
import { addServe } from './serve.ts'
import { addStatus } from './status.ts'
import { addUser } from './user.ts'
import { addWarm } from './warm.ts'

const SERVER: readonly AddCommand[] = [addServe, addConfig, addHealth, addDoctor]
const CONTENT: readonly AddCommand[] = [
  addStatus,
  addLs,
  addExplain,
  addPurge,
  addWarm,
  addRefresh,
  addPin,
  addUnpin,
  addScrub,
  addGc,
  addJobs,
]
const PEOPLE: readonly AddCommand[] = [addUser, addAccess, addCerts]

/** What the command line knows. */
export const COMMANDS: readonly AddCommand[] = [...SERVER, ...CONTENT, ...PEOPLE]
