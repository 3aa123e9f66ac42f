/** Loads a configuration from text, by way of a file of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'

/** The least that a file holds. */
export const BASE = 'version: 0.1\nstorage: {filesystem: {rootdirectory: /data}}\n'

/** What is loaded from `yaml` and variables; in messages its file is called `config.yml`. */
export const loadText = (yaml: string, env: Readonly<Record<string, string>> = {}): LoadedConfig => {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-config-'))
  const file = join(folder, 'config.yml')
  try {
    writeFileSync(file, yaml)
    return loadConfig({ file, env })
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replace(`${folder}/`, '')
    throw error
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The one line that is said of a configuration that cannot be used. */
export const mistakeIn = (yaml: string, env: Readonly<Record<string, string>> = {}): string => {
  try {
    loadText(yaml, env)
  } catch (error) {
    if (error instanceof Error && error.name === 'ConfigError') return error.message
    throw error
  }
  return 'no mistake'
}
