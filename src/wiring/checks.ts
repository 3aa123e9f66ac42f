/** `health` of the configuration → the checks that run by themselves. */
import { access } from 'node:fs/promises'
import type { Config } from '../config/schema.ts'
import { type Check, checkHttp, checkStorage, checkTcp, STORAGE_CHECK } from '../keep/health.ts'
import type { StorageDriver } from '../store/driver.ts'

const checkFile = (file: string) => async (): Promise<void> => {
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (isThere) throw new Error('the file exists')
}

/** The checks that the configuration names; that the store can be read is always looked at. */
export const checksOf = ({ health }: Config, driver: StorageDriver): Check[] => [
  {
    name: STORAGE_CHECK,
    intervalMs: health.storagedriver.interval,
    threshold: health.storagedriver.threshold,
    run: checkStorage(driver),
  },
  ...health.file.map(({ file, interval }) => ({
    name: `file ${file}`,
    intervalMs: interval,
    threshold: 1,
    run: checkFile(file),
  })),
  ...health.http.map(({ uri, headers, statuscode, timeout, interval, threshold }) => ({
    name: `http ${uri}`,
    intervalMs: interval,
    threshold,
    run: checkHttp(uri, headers, statuscode, timeout),
  })),
  ...health.tcp.map(({ addr, timeout, interval, threshold }) => ({
    name: `tcp ${addr}`,
    intervalMs: interval,
    threshold,
    run: checkTcp(addr, timeout),
  })),
]
