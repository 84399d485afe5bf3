import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../../shared/config/settings.ts'
import { type Checked, checkMail, type Damage } from '../../shared/mail/sqlite/integrity.ts'
import { PermanentError } from '../../shared/service.ts'
import { amount, counted } from '../amounts.ts'
import { giveUpRoot } from '../give-up-root.ts'
import { Progress } from '../progress.ts'
import { type Finding, found, ok } from './check.ts'
import type { Examined } from './examine.ts'

/** What damaged messages are about: what to do with each. */
const ofMessages = (damages: readonly Damage[]): string => {
  const account = damages.find((damage) => damage.of === 'message' && damage.account !== null)
  const name = account?.of === 'message' ? account.account : 'ACCOUNT'
  return [
    'Restore data/mail.db from a backup; or, with Havre stopped, write what can be read into a folder, move mail.db with its -wal',
    'and -shm away, start Havre and import the folder:',
    `havre mail export ${name} ./${name}-mail --format maildir --salvage`,
    `havre mail import ${name} ./${name}-mail --format maildir`,
    `What is only a few messages may also be removed: havre mail delete ${name} ID`,
  ].join('\n')
}

const findingOf = (damage: Damage): Finding => {
  if (damage.of === 'store') return found('problem', damage.why, null)
  if (damage.of === 'mailbox') return found('problem', `mailbox of ${damage.account}: ${damage.why}`, null)
  const whose = damage.account === null ? 'of nobody that is known' : `of ${damage.account}`
  return found('problem', `message ${damage.id} ${whose}: ${damage.why}`, null)
}

const summary = (damages: readonly Damage[], { messages, octets }: Checked): Finding => {
  const looked = `${counted(messages, 'message')} looked at (${amount(octets)})`
  if (damages.length === 0) return ok(`${looked}: each is what was stored`)
  const broken = damages.filter(({ of }) => of === 'message').length
  return found('problem', `${looked}, ${counted(broken, 'message')} damaged`, ofMessages(damages))
}

/** Each finding as it is made, the summary at the end. */
const look = async (file: string, quiet: boolean): Promise<readonly Finding[]> => {
  if (!existsSync(file)) return [ok('there is no mail yet')]
  let progress: Progress | null = null
  const check = checkMail(file, {
    begun: ({ messages, octets }) => {
      progress = new Progress({ label: 'check', messages, octets }, { quiet })
    },
    looked: (messages, octets) => progress?.add(messages, octets),
  })
  const damages: Damage[] = []
  try {
    for (;;) {
      const { done, value } = await check.next()
      if (done) return [...damages.map(findingOf), summary(damages, value)]
      damages.push(value)
    }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    return [found('problem', error.message, null)]
  } finally {
    endOf(progress)
  }
}

/** The compiler does not see that `begun` was called meanwhile. */
const endOf = (progress: Progress | null): void => progress?.end()

/** Looks at every message of the store, as the user of Havre. @param quiet draws no progress */
export const examineMail = async (settings: Settings, quiet: boolean): Promise<readonly Examined[]> => {
  giveUpRoot(settings)
  return (await look(join(settings.data, 'mail.db'), quiet)).map((finding) => ({ ...finding, check: 'mail' }))
}
