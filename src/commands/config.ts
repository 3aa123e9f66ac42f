/** `entrepot config [config.yml]`: what is in effect, or the reference of all settings. */
import { DEFAULT_FILES, loadConfig } from '../config/load.ts'
import { printConfig } from '../config/print.ts'
import { printReference } from '../config/reference.ts'
import type { AddCommand } from './command.ts'

const FILE_HELP = `configuration file; default: $REGISTRY_CONFIGURATION_PATH, else ${DEFAULT_FILES.join(' or ')}`

/** Adds `config`. */
export const addConfig: AddCommand = (program) => {
  program
    .command('config')
    .argument('[config]', FILE_HELP)
    .option('--reference', 'print the reference of all settings instead')
    .description('check the configuration, and print what is in effect with secrets masked')
    .action((file: string | undefined, { reference }: { reference?: true }) => {
      if (reference) {
        process.stdout.write(printReference())
        return
      }
      const loaded = loadConfig({ file, env: process.env })
      for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`)
      process.stdout.write(`# ${loaded.file ?? 'built-in configuration'}\n${printConfig(loaded.config)}`)
    })
}
