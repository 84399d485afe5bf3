/** `havre mail`: what is in a mailbox, whether Havre runs or not. */
import { Command } from 'commander'
import { deleteCommand } from './delete.ts'
import { exportCommand } from './export.ts'
import { importCommand } from './import.ts'
import { listCommand } from './list.ts'
import { searchCommand } from './search.ts'
import { showCommand } from './show.ts'

/** `havre mail list|show|search|export|import|delete`. */
export const mailCommand = (): Command =>
  new Command('mail')
    .description('the mail of an account: read it, find it, move it, delete it')
    .addHelpText(
      'after',
      `
Needs no running Havre. Nothing but \`delete\` takes the mailbox: a mail program may be reading it meanwhile.

Examples:
  $ havre mail list alice
  $ havre mail show alice 1
  $ havre mail search alice invoice
  $ havre mail show alice 1 --raw > message.eml
  $ havre mail export alice alice.mbox --format mbox
  $ havre mail import alice ~/Maildir
  $ havre mail delete alice --before 30d`,
    )
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(searchCommand())
    .addCommand(exportCommand())
    .addCommand(importCommand())
    .addCommand(deleteCommand())
