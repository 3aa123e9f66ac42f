/**
 * From root to the owner of the volume (design §5). The image starts as root, as that of `registry:2` does, so that it
 * may open low ports and read keys; then it becomes whoever owns the store, so that an existing volume keeps its owner.
 */
import { access, chown, mkdir, readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Who gets an empty volume: the user `nonroot` of many images. */
const NOBODY_ID = 65_532

const ROOT_ID = 0

/** What a new file system holds that nobody put there. */
const NO_CONTENT = new Set(['lost+found'])

/** Whom the process runs as from now on. */
export interface Privileges {
  /** Absent where the system has no users by number. */
  readonly uid: number | undefined
  /** Why it is still root, or what it cannot do as the owner, and what to do; one line. */
  readonly warning: string | undefined
}

/**
 * Takes the uid and gid that own `folder`, if the process is root. An empty folder of root's is given to 65532 first; one
 * with content stays root's, and so does the process. Call it once listeners are open and keys are read, and before
 * anything is written below `folder`, which is made where it is not there.
 * @param program a file of the program, which has to stay readable
 */
export const dropPrivileges = async (
  folder: string,
  program = fileURLToPath(import.meta.url),
): Promise<Privileges> => {
  const uid = process.getuid?.()
  if (uid !== ROOT_ID) return { uid, warning: undefined }
  await mkdir(folder, { recursive: true })
  const owner = await ownerOf(folder)
  if (owner === undefined) {
    const line = `chown -R ${NOBODY_ID}:${NOBODY_ID} ${folder}`
    return { uid, warning: `${folder} belongs to root, so entrepot goes on as root; to change that: ${line}` }
  }
  try {
    process.setgroups?.([owner.gid])
    process.setgid?.(owner.gid)
    process.setuid?.(owner.uid)
  } catch {
    const user = `--user ${owner.uid}:${owner.gid}`
    return { uid, warning: `entrepot goes on as root: it may not change its user; start it with ${user}` }
  }
  return { uid: owner.uid, warning: await findUnreadable(program, owner.uid) }
}

/** Threads for passwords are started later, from files of the program: root could read them, the owner may not. */
const findUnreadable = async (program: string, uid: number): Promise<string | undefined> => {
  try {
    await access(program)
    return undefined
  } catch {
    const place = dirname(program)
    return `user ${uid} cannot read the program in ${place}, so logins will fail: chmod a+rX it and the folders above`
  }
}

/** Who owns a folder, or will from now on; `undefined`: root, and that cannot be changed here. */
const ownerOf = async (folder: string): Promise<{ uid: number; gid: number } | undefined> => {
  const { uid, gid } = await stat(folder)
  if (uid !== ROOT_ID) return { uid, gid }
  if ((await readdir(folder)).some((name) => !NO_CONTENT.has(name))) return undefined
  try {
    await chown(folder, NOBODY_ID, NOBODY_ID)
  } catch {
    // a network file system may forbid it to root
    return undefined
  }
  return { uid: NOBODY_ID, gid: NOBODY_ID }
}
