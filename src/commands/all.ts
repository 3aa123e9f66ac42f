/** Every command, in the order of the help text. One is loaded when it is meant: none waits for what others need. */
import type { AddCommand } from './command.ts'

type LoadCommand = () => Promise<AddCommand>

const SERVER: Readonly<Record<string, LoadCommand>> = {
  serve: async () => (await import('./serve.ts')).addServe,
  config: async () => (await import('./config.ts')).addConfig,
  health: async () => (await import('./health.ts')).addHealth,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
}

const CONTENT: Readonly<Record<string, LoadCommand>> = {
  status: async () => (await import('./status.ts')).addStatus,
  ls: async () => (await import('./ls.ts')).addLs,
  explain: async () => (await import('./explain.ts')).addExplain,
  purge: async () => (await import('./purge.ts')).addPurge,
  warm: async () => (await import('./warm.ts')).addWarm,
  refresh: async () => (await import('./refresh.ts')).addRefresh,
  pin: async () => (await import('./pin.ts')).addPin,
  unpin: async () => (await import('./pin.ts')).addUnpin,
  scrub: async () => (await import('./scrub.ts')).addScrub,
  gc: async () => (await import('./gc.ts')).addGc,
  jobs: async () => (await import('./jobs.ts')).addJobs,
  outage: async () => (await import('./outage.ts')).addOutage,
}

const PEOPLE: Readonly<Record<string, LoadCommand>> = {
  user: async () => (await import('./user.ts')).addUser,
  access: async () => (await import('./access.ts')).addAccess,
  certs: async () => (await import('./certs.ts')).addCerts,
}

const COMMANDS: ReadonlyMap<string, LoadCommand> = new Map(
  Object.entries({ ...SERVER, ...CONTENT, ...PEOPLE }),
)

/** Commands that a command line may mean by its first word: the one of that name, else all. */
export const loadCommands = async (word: string | undefined): Promise<readonly AddCommand[]> => {
  const meant = word === undefined ? undefined : COMMANDS.get(word)
  return Promise.all((meant === undefined ? [...COMMANDS.values()] : [meant]).map((load) => load()))
}
