/** Open content as bytes in memory. */
import type { StoredFile } from './driver.ts'

/** All bytes of an open file, or as many as it has still got: never what was in memory before. The caller closes it. */
export const readWhole = async (file: StoredFile): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(file.sizeBytes)
  let length = 0
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length), length, bytes.length - length)
    if (count === 0) break
    length += count
  }
  return bytes.subarray(0, length)
}
