/**
 * Loads the configuration in a process of its own that ends with it: zod, the YAML parser and the schemas take 12 MiB, and a
 * supervisor, which lives for months and loads once, would never give them back. (A thread leaves more behind than it saves.)
 */
import { fork } from 'node:child_process'
import process from 'node:process'
import type { Configuration } from '../shared/config/settings.ts'
import { PermanentError } from '../shared/service.ts'
import { type ConfigurationOptions, configurationFrom } from './configuration-options.ts'

/** What the process says; an error's class does not travel. */
type Outcome =
  | { readonly kind: 'loaded'; readonly configuration: Configuration }
  | { readonly kind: 'wrong'; readonly message: string }

/** How the process is told what to load. */
const argument = '--havre-configuration='

/**
 * The configuration that these options, the defaults and the environment make.
 * @throws {PermanentError} with everything that is wrong
 */
export const readConfiguration = ({ config, set }: ConfigurationOptions): Promise<Configuration> =>
  new Promise((resolve, reject) => {
    const reader = fork(import.meta.filename, [argument + JSON.stringify({ config, set })])
    reader.once('message', (outcome: Outcome) => {
      if (outcome.kind === 'loaded') resolve(outcome.configuration)
      else reject(new PermanentError(outcome.message))
    })
    reader.once('error', reject)
    reader.once('exit', (code, signal) => reject(new Error(`reading the configuration ended with ${signal ?? code}`)))
  })

const read = async (options: ConfigurationOptions): Promise<Outcome> => {
  try {
    return { kind: 'loaded', configuration: await configurationFrom(options) }
  } catch (error) {
    if (error instanceof PermanentError) return { kind: 'wrong', message: error.message }
    throw error
  }
}

// This file is both ends, so that they agree on the messages.
const asked = process.argv[2]?.startsWith(argument) === true ? process.argv[2].slice(argument.length) : null
if (asked !== null && process.argv[1] === import.meta.filename) {
  process.send?.(await read(JSON.parse(asked)), () => process.disconnect?.())
}
