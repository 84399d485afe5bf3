import type { Settings } from '../../shared/config/settings.ts'

/** A message's octets: text gets CRLF line breaks, also at its end. */
export const messageOctets = (message: string | Buffer): Buffer =>
  typeof message === 'string' ? Buffer.from(`${message.replace(/\r?\n/g, '\r\n').replace(/(?:\r\n)?$/, '\r\n')}`) : message

/** Puts messages into a mailbox of the data folder that these settings name, oldest first. */
export const mailboxWith = async (
  _settings: Settings,
  _account: string,
  _messages: readonly (string | Buffer)[],
): Promise<void> => {
  throw new Error('no store yet')
}
