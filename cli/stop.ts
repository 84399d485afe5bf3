import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { ask } from './ask.ts'
import { configurationFrom, withConfigurationOptions } from './configuration-options.ts'
import { type Status, seeSupervisor } from './supervisor-status.ts'

/** How often is looked whether it has ended. */
const lookMs = 100

const help = `
What is under way is finished first, for as long as \`drain\` says; what that is, standard error tells meanwhile.

Examples:
  $ havre stop
  $ havre stop --set data=/srv/havre      the Havre that runs on this data folder

Exit codes: 0 it has ended, 100 none runs, 111 it does not answer.`

/** `ftp 1, smtp 2`: the conversations that are waited for; empty where there are none. */
const openText = ({ services }: Status): string =>
  services.flatMap(({ name, connections }) => (connections > 0 ? [`${name} ${connections}`] : [])).join(', ')

/** Resolves when nobody answers any more; tells meanwhile what is waited for. */
const untilGone = async (data: string): Promise<void> => {
  let told = ''
  for (;;) {
    const seen = await seeSupervisor(data)
    if (seen.kind === 'absent') return
    if (seen.kind === 'silent') throw new Error(seen.why)
    const open = openText(seen.status)
    if (open !== told && open !== '') process.stderr.write(`stopping; still open: ${open}\n`)
    told = open
    await sleep(lookMs)
  }
}

/** `havre stop`: ends the family and waits until it is gone. */
export const stopCommand = (): Command => {
  const command = new Command('stop')
    .description('end the running Havre: what is under way is finished first; returns when it has ended')
    .addHelpText('after', help)
    .action(async (options) => {
      const configuration = await configurationFrom(options)
      await ask(configuration, { command: 'stop' })
      await untilGone(configuration.settings.data)
      console.log('stopped')
    })
  return withConfigurationOptions(command)
}
