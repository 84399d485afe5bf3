import { existsSync } from 'node:fs'
import { mailFile } from '../../shared/mail/mail-files.ts'
import { mailRoom as roomIn } from '../../shared/mail/sqlite/database.ts'
import { type Check, type Finding, found, ok, type Patient } from './check.ts'
import { sizeText } from './disk.ts'

const look = async ({ configuration: { settings } }: Patient): Promise<Finding[]> => {
  const file = mailFile(settings.data)
  const room = existsSync(file) ? roomIn(file) : null
  if (room === null) return []
  const said = `${sizeText(Math.max(0, room.leftOctets))} are left for it, in ${file} and on its disk`
  const kept = sizeText(room.keptOctets)
  if (room.leftOctets >= room.keptOctets) return [ok(`mail is taken: ${said}; with less than ${kept} it would be refused`)]
  const remedy = [
    'Make room on that disk, or in mailboxes, which can still be read and emptied:',
    'havre mail list NAME',
    'havre mail delete NAME ID',
  ].join('\n')
  return [found('problem', `mail is refused (452), as long as less than ${kept} are left: ${said}`, remedy)]
}

/** Whether there is more room than mail leaves free. */
export const mailRoom: Check = { name: 'mail', ofServices: false, look }
