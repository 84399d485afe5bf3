/** The command line: one file a command, of which only the one that is wanted is loaded. */
import process from 'node:process'
import { Command, CommanderError } from 'commander'
import { exitCodes, PermanentError } from '../shared/service.ts'
import { packageVersion } from '../shared/version.ts'
import { listenToLauncher } from './launcher.ts'

const commands = {
  start: async () => (await import('./start.ts')).startCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  reload: async () => (await import('./reload.ts')).reloadCommand(),
  restart: async () => (await import('./restart.ts')).restartCommand(),
  stop: async () => (await import('./stop.ts')).stopCommand(),
  mail: async () => (await import('./mail/mail.ts')).mailCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  logs: async () => (await import('./logs.ts')).logsCommand(),
  account: async () => (await import('./account.ts')).accountCommand(),
}

const examples = `
Examples:
  $ havre start                            all services on high ports of this machine, with demo accounts
  $ havre start --config office.yaml       the settings of a file over the defaults
  $ havre status                           what runs, and where
  $ havre doctor                           whether all is well, and else what to do
  $ havre account add carol                one account for all services
  $ havre mail list alice                  her mailbox
  $ havre logs -f                          every request of every service, as it happens

Exit codes: 0 done, 1 something is not well (status, doctor), 100 it cannot work this way (wrong use, wrong configuration, a port taken), 111 try again later.
Every command has --help.`

/** Only what is named is loaded: `havre start` is to be quick, and help is to be whole. */
const wanted = (name: string | undefined): (keyof typeof commands)[] => {
  const names = Object.keys(commands) as (keyof typeof commands)[]
  const found = names.find((candidate) => candidate === name)
  return found === undefined ? names : [found]
}

const build = async (): Promise<Command> => {
  const program = new Command('havre')
    .description('Small, real Internet servers: HTTP, FTP, SMTP and POP3 under one supervisor, with one set of accounts.')
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', examples)
    // Behind a command's name all is that command's: of `mail search alice -Vienna` nothing is `-V`.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
  for (const name of wanted(process.argv[2])) {
    const command = await commands[name]()
    for (const each of [command, ...command.commands]) each.exitOverride().showHelpAfterError('(--help says how)')
    program.addCommand(command)
  }
  return program
}

const main = async (): Promise<void> => {
  // Commands that do not say otherwise end by these signals as any program does. `start` says otherwise.
  if (process.argv[2] !== 'start') {
    listenToLauncher(
      (signal) => process.kill(process.pid, signal),
      () => process.exit(exitCodes.temporary),
    )
  }
  try {
    await (await build()).parseAsync()
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** Says what went wrong. @returns the exit code */
const report = (error: unknown): number => {
  // Commander has said it already; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.permanent
  if (error instanceof PermanentError) {
    console.error(`havre: ${error.message}`)
    return exitCodes.permanent
  }
  console.error(
    `havre: ${error instanceof Error ? (process.env['HAVRE_TEST_STACKS'] === '1' ? error.stack : error.message) : String(error)}`,
  )
  return exitCodes.temporary
}

await main()
