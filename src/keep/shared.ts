/** Nothing may be removed: another process works on the volume. */
export class VolumeSharedError extends Error {
  override readonly name = 'VolumeSharedError'

  constructor() {
    super('another process works on this volume: nothing is removed meanwhile')
  }
}
