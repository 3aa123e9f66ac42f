import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Routine } from '../../src/keep/routine.ts'
import { VolumeSharedError } from '../../src/keep/shared.ts'
import type { Logger } from '../../src/observe/log.ts'

/** A log that remembers at which levels it was written. */
const rememberingLog = (): { log: Logger; levels: string[] } => {
  const levels: string[] = []
  const at = (level: string) => () => levels.push(level)
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { log: log as unknown as Logger, levels }
}

describe('a routine', () => {
  it('goes on after a failure, which it tells', async () => {
    const { log, levels } = rememberingLog()
    let count = 0
    const done = new Promise<void>((resolve) => {
      const run = async (): Promise<void> => {
        count += 1
        if (count === 1) throw new Error('a broken disk')
        if (count === 2) throw new VolumeSharedError()
        resolve()
      }
      new Routine({ name: 'work', firstMs: 0, everyMs: 1, run, log }).start()
      // Nothing else keeps this process.
      setTimeout(resolve, 10_000).unref()
    })
    const keepAlive = setInterval(() => {}, 1000)
    await done
    clearInterval(keepAlive)
    assert.deepEqual([count >= 3, levels.slice(0, 2)], [true, ['warn', 'debug']])
  })

  it('ends what is under way when it is stopped, and does nothing any more', async () => {
    const { log, levels } = rememberingLog()
    let count = 0
    const keepAlive = setInterval(() => {}, 1000)
    const begun = new Promise<Routine>((resolve) => {
      const routine: Routine = new Routine({
        name: 'work',
        firstMs: 0,
        everyMs: 0,
        run: (signal) =>
          new Promise((_, reject) => {
            count += 1
            signal.addEventListener('abort', () => reject(signal.reason))
            resolve(routine)
          }),
        log,
      })
      routine.start()
    })
    await (await begun).stop()
    clearInterval(keepAlive)
    assert.deepEqual([count, levels], [1, ['debug']])
  })

  it('waits for months where it is told to', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    let count = 0
    const everyMs = 60 * 86_400_000
    const run = async (): Promise<void> => {
      count += 1
    }
    new Routine({ name: 'work', firstMs: everyMs, everyMs, run, log: rememberingLog().log }).start()
    const waits = [2 ** 31 - 1, 2 ** 31 - 1, everyMs - 2 * (2 ** 31 - 1) - 1]
    for (const ms of waits) mock.timers.tick(ms)
    assert.equal(count, 0)
    mock.timers.tick(1)
    assert.equal(count, 1)
  })
})
