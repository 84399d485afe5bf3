import type { FolderReader, FolderWriter, Format, OutgoingMessage } from '../../cli/mail/folder.ts'
import { readMaildir } from '../../cli/mail/maildir/reader.ts'
import { writeMaildir } from '../../cli/mail/maildir/writer.ts'
import { readMbox } from '../../cli/mail/mbox/reader.ts'
import { writeMbox } from '../../cli/mail/mbox/writer.ts'
import type { Seeded } from '../kit/seeded.ts'

/** A message with all that a folder has to keep of it. */
export interface Kept {
  readonly text: Buffer
  readonly receivedAt: Date
  readonly sender: string
  readonly flags: string
  readonly utf8: boolean
}

/** One with the facts that matter to a test. */
export const kept = (text: string | Buffer, facts: Partial<Kept> = {}): Kept => ({
  text: typeof text === 'string' ? Buffer.from(text) : text,
  receivedAt: new Date('2026-11-21T16:25:46.123Z'),
  sender: 'sender@example.org',
  flags: '',
  utf8: false,
  ...facts,
})

/** As a writer gets it, in chunks of that size. */
export const outgoing = ({ text, ...facts }: Kept, chunkOctets = 65_536): OutgoingMessage => ({
  ...facts,
  octets: text.length,
  async *open() {
    for (let at = 0; at < text.length; at += chunkOctets) yield text.subarray(at, at + chunkOctets)
  },
})

/** All that a reader tells, read to its end and closed. */
export const allOf = async (reader: FolderReader): Promise<Kept[]> => {
  const found: Kept[] = []
  for await (const { receivedAt, sender, flags, utf8, open } of reader.read())
    found.push({ text: Buffer.concat(await Array.fromAsync(open())), receivedAt, sender, flags, utf8 })
  await reader.close()
  return found
}

/** Opens a writer of a format. */
export const writerOf = (format: Format, path: string, append = false): Promise<FolderWriter> =>
  format === 'maildir' ? writeMaildir(path) : writeMbox(path, { append, plain: false })

/** Opens a reader of a format. */
export const readerOf = (format: Format, path: string): Promise<FolderReader> =>
  format === 'maildir' ? readMaildir(path, { subfolders: false }) : readMbox(path)

/** Writes messages into a folder, to its end. */
export const write = async (
  format: Format,
  path: string,
  messages: readonly Kept[],
  { append = false, chunkOctets = 65_536 } = {},
): Promise<void> => {
  const writer = await writerOf(format, path, append)
  for (const message of messages) await writer.add(outgoing(message, chunkOctets))
  await writer.finish()
}

/** What is made of them is what trips a reader: line ends of all kinds, lines that begin messages, quoted ones, our own marks. */
const pieces = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  'From ',
  '\r\nFrom a@b Sat Nov 21 16:25:46 2026\r\n',
  '\nFrom ',
  '\n>From ',
  '\r\n>>>From x',
  '>',
  'F',
  'Status: RO\r\n',
  'X-Havre-Export: received=2026-11-21T16:25:46.123Z\r\n',
  'Content-Length: 12\r\n',
  'Subject: x\r\n',
  'Return-Path: <sender@example.org>\r\n',
  'text',
  '\0',
  'ü',
  '\xff',
]

const senders = [
  '',
  'sender@example.org',
  '"a b"@example.org',
  'MAILER-DAEMON',
  '-',
  'ü@bücher.example',
  `${'a'.repeat(250)}@example.org`,
  'x>y',
]

/** Some message, by a seed. */
export const someMessage = (random: Seeded): Kept => {
  const parts = Array.from({ length: random.between(0, 12) }, () =>
    Buffer.from(random.pick(pieces), random.chance(0.5) ? 'utf8' : 'latin1'),
  )
  const text = Buffer.concat(parts)
  const canonical = Buffer.from(text.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')
  return kept(random.chance(0.6) ? canonical : text, {
    receivedAt: new Date(random.between(0, 2_000_000_000_000)),
    sender: random.pick(senders),
    flags: random.pick(['', 'S', 'FS', 'DFPRST', 'R', 'FSab']),
    utf8: random.chance(0.3),
  })
}
