import { Command } from 'commander'
import { ask } from './ask.ts'
import { configurationFrom, withConfigurationOptions } from './configuration-options.ts'

/** `havre restart NAME`: a new child takes the service over; nobody is refused meanwhile. */
export const restartCommand = (): Command => {
  const command = new Command('restart')
    .description('replace the process of one service; its conversations end in peace, new ones go to the new process')
    .argument('<name>', 'the service, as `havre status` names it')
    .addHelpText('after', '\nExamples:\n  $ havre restart smtp\n  $ havre restart http --config office.yaml')
    .action(async (name: string, options) => {
      await ask(await configurationFrom(options), { command: 'restart', name })
      console.log(`${name} restarted`)
    })
  return withConfigurationOptions(command)
}
