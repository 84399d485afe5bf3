/** `--config FILE` and `--set NAME=VALUE`, the same for every command that needs the configuration. */
import type { Command } from 'commander'
import type { Configuration } from '../shared/config/settings.ts'

/** The two options as commander parses them. */
export interface ConfigurationOptions {
  /** Files, in the order in which they were given. */
  readonly config?: readonly string[]
  /** `name=value` arguments, in the order in which they were given. */
  readonly set?: readonly string[]
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Adds the two options to a command. */
export const withConfigurationOptions = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'read this YAML file after config/default.yaml (repeatable, later wins)', collect)
    .option(
      '-s, --set <name=value>',
      'change one setting, as in services.http.port=8081 (repeatable, wins over files)',
      collect,
      [],
    )

/**
 * The configuration that these options, the defaults and the environment make.
 * @throws {ConfigurationError} with everything that is wrong
 */
export const configurationFrom = (options: ConfigurationOptions): Promise<Configuration> => load(options, false)

/** The same to start with: what it serves has to be there. Who stops it or asks how it is needs nothing of that. */
export const startableFrom = (options: ConfigurationOptions): Promise<Configuration> => load(options, true)

const load = async ({ config = [], set = [] }: ConfigurationOptions, startable: boolean): Promise<Configuration> => {
  // Imported when it is needed: zod and yaml take longer to load than `havre --help` takes to print.
  const [{ loadConfiguration }, { protocols }] = await Promise.all([
    import('../shared/config/load.ts'),
    import('../servers/supervisor/protocols.ts'),
  ])
  return loadConfiguration({ protocols, files: config, sets: set, env: process.env, startable })
}
