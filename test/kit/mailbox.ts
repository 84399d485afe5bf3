import { mkdir } from 'node:fs/promises'
import type { Settings } from '../../shared/config/settings.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'

/** A message's octets: text gets CRLF line breaks, also at its end. */
export const messageOctets = (message: string | Buffer): Buffer =>
  typeof message === 'string' ? Buffer.from(`${message.replace(/\r?\n/g, '\r\n').replace(/(?:\r\n)?$/, '\r\n')}`) : message

/** Opens the store of the data folder that these settings name; the caller closes it. */
export const storeOf = async (settings: Settings): Promise<MailStore> => {
  await mkdir(settings.data, { recursive: true })
  return openMailStore({ file: `${settings.data}/mail.db` })
}

/** Puts messages into a mailbox of the data folder that these settings name, oldest first. */
export const mailboxWith = async (settings: Settings, account: string, messages: readonly (string | Buffer)[]): Promise<void> => {
  const store = await storeOf(settings)
  try {
    for (const message of messages) {
      const recipients = [{ address: `${account}@${settings.domains[0]}`, account }]
      const delivery = store.deliver({ sender: 'sender@example.org', recipients })
      await delivery.write(messageOctets(message))
      await delivery.commit()
    }
  } finally {
    await store.close()
  }
}
