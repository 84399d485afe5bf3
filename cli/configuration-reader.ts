/**
 * Loads the configuration in a process of its own: zod, the YAML parser and the schemas take 12 MiB, and a supervisor, which
 * lives for months and loads once, would never give them back.
 */
import type { Configuration } from '../shared/config/settings.ts'
import { workElsewhere, workHere } from '../shared/own-process.ts'
import { type ConfigurationOptions, startableFrom } from './configuration-options.ts'

/**
 * The configuration to start with that these options, the defaults and the environment make.
 * @throws {PermanentError} with everything that is wrong
 */
export const readConfiguration = (options: ConfigurationOptions): Promise<Configuration> =>
  workElsewhere<ConfigurationOptions, Configuration>(import.meta.filename, options)

await workHere(import.meta.filename, startableFrom)
