import process from 'node:process'
import { Command } from 'commander'
import { run } from '../servers/supervisor/run.ts'
import { packageVersion } from '../shared/version.ts'
import { withConfigurationOptions } from './configuration-options.ts'
import { readConfiguration } from './configuration-reader.ts'
import { listenToLauncher } from './launcher.ts'

const help = `
Prints a line for each service as it becomes ready and then the line "ready". Stays in the foreground: Ctrl-C or SIGTERM
finishes what is under way and ends, a second one ends at once; SIGHUP reads the configuration anew.

Examples:
  $ havre start
  $ havre start --set ports=any --set data=/tmp/test     ports that the system chooses; \`havre status\` tells which
  $ havre start --set services.http.port=3000
  $ havre start --set mail.catchAll=alice                every mail for whomever goes to alice
  $ HAVRE_HOST=0.0.0.0 HAVRE_DEMO=false havre start       reachable from the network, without demo accounts

Exit codes: 0 ended as told, 100 wrong configuration or a port taken, 111 try again.`

/** `havre start`: becomes the supervisor. */
export const startCommand = (): Command => {
  const command = new Command('start')
    .description('start all services and stay in the foreground')
    .addHelpText('after', help)
    .action(async (options) => {
      const load = () => readConfiguration(options)
      // The end is for good: whatever still holds a handle must not keep a finished family in the list of processes.
      process.exit(await run({ load, version: packageVersion(), launcher: listenToLauncher }))
    })
  return withConfigurationOptions(command)
}
