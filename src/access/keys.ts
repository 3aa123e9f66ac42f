/**
 * The keys of the built-in authorization service, in a folder of the store that its owner alone can read:
 *
 *     root.pem           key and certificate of an authority for tokens, for twenty years
 *     root.crt           its certificate alone: the `rootcertbundle` of other registries
 *     signing-<ms>.pem   key and certificate of a signer of tokens, by the time when it was made
 *     refresh.key        secret that refresh tokens are made with
 *
 * Tokens carry their signer's certificate (`x5c`), so that whoever trusts the root accepts a new signer unasked. A
 * signer is replaced after a month, and forgotten when none of its tokens can be valid any more.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../certs/authority.ts'

const DAY_MS = 86_400_000

/** How long a signer signs, in milliseconds. */
export const SIGN_FOR_MS = 30 * DAY_MS

/** How long its tokens may be valid afterwards, in milliseconds: far longer than any token lives. */
const VERIFY_FOR_MS = DAY_MS

const ROOT_DAYS = 20 * 365
const SECRET_BYTES = 32

const SIGNING = /^signing-(\d+)\.pem$/
const KEY = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/

/** A signer and when it was made. */
export interface StoredSigner extends KeyedCertificate {
  /** Milliseconds since the epoch. */
  readonly madeAtMs: number
}

/** What the folder holds. */
export interface StoredKeys {
  readonly root: KeyedCertificate
  /** Who signs now. */
  readonly signer: StoredSigner
  /** Whose tokens may still be valid. */
  readonly retired: readonly StoredSigner[]
  readonly refreshSecret: Buffer
}

/**
 * Reads the keys, makes those that are missing or too old, and removes those that nobody needs any more. Two processes
 * may do so at once: of two roots the first stays, of two signers both.
 * @param nowMs milliseconds since the epoch
 * @throws the operating system's error where the folder cannot be read or written
 */
export const openKeys = async (folder: string, nowMs: number): Promise<StoredKeys> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const root = await openRoot(folder, nowMs)
  const refreshSecret = await openSecret(folder)
  const signers = await readSigners(folder, nowMs)
  const signer = signers.find((each) => isSigning(each, nowMs)) ?? (await makeSigner(folder, root, nowMs))
  return { root, signer, retired: signers.filter((each) => each !== signer), refreshSecret }
}

/** Whether a signer still signs; one from the future (a clock that was wrong) does not. */
export const isSigning = ({ madeAtMs }: StoredSigner, nowMs: number): boolean =>
  madeAtMs <= nowMs && nowMs < madeAtMs + SIGN_FOR_MS

const openRoot = async (folder: string, nowMs: number): Promise<KeyedCertificate> => {
  const file = join(folder, 'root.pem')
  if ((await readIfThere(file)) === undefined) {
    const made = await createAuthority('entrepot tokens', 'ec', { days: ROOT_DAYS, nowMs })
    await writeNew(file, made.key + made.certificate)
  }
  const root = parsePem(file, await readFile(file, 'utf8'))
  const certificate = join(folder, 'root.crt')
  // A disk that is full or read-only is no reason not to start with the keys that are there.
  if ((await readIfThere(certificate)) === undefined) await writeNew(certificate, root.certificate)
  return root
}

const openSecret = async (folder: string): Promise<Buffer> => {
  const file = join(folder, 'refresh.key')
  if ((await readIfThere(file)) === undefined)
    await writeNew(file, `${randomBytes(SECRET_BYTES).toString('hex')}\n`)
  const secret = Buffer.from((await readFile(file, 'utf8')).trim(), 'hex')
  if (secret.length < SECRET_BYTES)
    throw new Error(`${file} is damaged; remove it, and who is logged in has to log in again`)
  return secret
}

const readSigners = async (folder: string, nowMs: number): Promise<StoredSigner[]> => {
  const signers: StoredSigner[] = []
  for (const name of await readdir(folder)) {
    const madeAtMs = Number(SIGNING.exec(name)?.[1])
    if (Number.isNaN(madeAtMs)) continue
    const file = join(folder, name)
    if (nowMs >= madeAtMs + SIGN_FOR_MS + VERIFY_FOR_MS) await rm(file, { force: true })
    else signers.push({ ...parsePem(file, await readFile(file, 'utf8')), madeAtMs })
  }
  return signers.sort((a, b) => b.madeAtMs - a.madeAtMs)
}

const makeSigner = async (folder: string, root: KeyedCertificate, nowMs: number): Promise<StoredSigner> => {
  const days = (SIGN_FOR_MS + VERIFY_FOR_MS) / DAY_MS
  const subject = { commonName: 'entrepot token signer', names: [] }
  const signer = await issueCertificate(root, subject, 'ec', { days, nowMs })
  const file = join(folder, `signing-${nowMs}.pem`)
  await writeNew(file, signer.key + signer.certificate)
  // Another process may have made one in the same millisecond: what lies there counts.
  return { ...parsePem(file, await readFile(file, 'utf8')), madeAtMs: nowMs }
}

const parsePem = (file: string, text: string): KeyedCertificate => {
  const [key] = KEY.exec(text) ?? []
  const [certificate] = CERTIFICATE.exec(text) ?? []
  if (key === undefined || certificate === undefined)
    throw new Error(`${file} does not hold a key and a certificate; remove it, and a new one is made`)
  return { key: `${key}\n`, certificate: `${certificate}\n` }
}

const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a file whole and synced, unless there is one of that name already. */
const writeNew = async (file: string, text: string): Promise<void> => {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(temporary, { force: true })
  }
}
