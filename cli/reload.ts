import { Command } from 'commander'
import { ask } from './ask.ts'
import { configurationFrom, withConfigurationOptions } from './configuration-options.ts'

/** The changes as the supervisor tells them: lists of services by what happened to them. */
const changesText = (result: unknown): string => {
  if (typeof result !== 'object' || result === null) return 'reloaded'
  const parts = Object.entries(result).flatMap(([what, names]) =>
    Array.isArray(names) && names.length > 0 ? [`${what}: ${names.join(', ')}`] : [],
  )
  return `reloaded${parts.length > 0 ? ` (${parts.join('; ')})` : ''}`
}

/** `havre reload`: has the supervisor read its configuration anew. */
export const reloadCommand = (): Command => {
  const command = new Command('reload')
    .description('read the configuration anew; services whose settings changed are replaced without refusing anyone')
    .option('--json', 'print what changed as JSON')
    .addHelpText(
      'after',
      '\nA wrong configuration changes nothing, and exit code 100 says so.\n\nExamples:\n  $ havre reload\n  $ havre reload --json',
    )
    .action(async (options) => {
      const result = await ask(await configurationFrom(options), { command: 'reload' })
      console.log(options.json === true ? JSON.stringify(result) : changesText(result))
    })
  return withConfigurationOptions(command)
}
