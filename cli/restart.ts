import process from 'node:process'
import { Command } from 'commander'
import { ask } from './ask.ts'
import { configurationFrom, withConfigurationOptions } from './configuration-options.ts'

const help = `
A new process is started beside the old one. Once it is ready, new clients come to it, and the old one carries its conversations on
until they end. Where the new one cannot start, the old one goes on as if nothing had been asked.

Examples:
  $ havre restart smtp
  $ havre restart http --config office.yaml

Exit codes: 0 the new process serves, 100 there is no such service or none runs, 111 the new process did not start.`

/** `havre restart NAME`: a new child takes the service over; nobody is refused meanwhile. */
export const restartCommand = (): Command => {
  const command = new Command('restart')
    .description('replace the process of one service; its conversations end in peace, new ones go to the new process')
    .argument('<name>', 'the service, as `havre status` names it')
    .addHelpText('after', help)
    .action(async (name: string, options) => {
      const configuration = await configurationFrom(options)
      // For whoever waits; a script reads what came of it.
      if (process.stderr.isTTY) process.stderr.write(`${name}: a new process is started …\n`)
      await ask(configuration, { command: 'restart', name })
      console.log(`${name} restarted`)
    })
  return withConfigurationOptions(command)
}
