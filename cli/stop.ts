import { Command } from 'commander'
import { ask } from './ask.ts'
import { configurationFrom, withConfigurationOptions } from './configuration-options.ts'

/** `havre stop`: ends the family and waits until it is gone. */
export const stopCommand = (): Command => {
  const command = new Command('stop')
    .description('end the running Havre: what is under way is finished first; returns when it has ended')
    .addHelpText('after', '\nExamples:\n  $ havre stop\n  $ havre stop --set data=/srv/havre')
    .action(async (options) => {
      await ask(await configurationFrom(options), { command: 'stop' }, true)
      console.log('stopped')
    })
  return withConfigurationOptions(command)
}
