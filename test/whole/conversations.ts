/** SMTP and POP3 as the whole-suite tests need them: raw, so that each octet and each reply is in the test's hands. */
import { type Client, ClientError } from '../kit/client.ts'

/** A message with these octets behind the header `X-Test`; lines of all kinds that get hurt on the way. */
export const testMessage = (id: string, octets = 2_000): Buffer => {
  const lines = [
    `X-Test: ${id}`,
    'From: sender@example.org',
    'To: alice@havre.test',
    `Subject: ${id}`,
    // Complete, so that a submission service adds nothing.
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    `Message-ID: <${id}@example.org>`,
    '',
    '.',
    '..two dots',
    '.one dot',
    'trailing blanks  ',
    '',
    'From the start of a line',
    `x${'long '.repeat(150)}`,
    'ümläut 日本',
    '',
  ]
  const text = Buffer.from(`${lines.join('\r\n')}\r\n`)
  const filler = Buffer.alloc(Math.max(0, octets - text.length), `${id} fills the message up to its size, line by line.\r\n`)
  // Cut within a line break, it would end with a bare CR, and those are refused.
  if (filler.at(-1) === 0x0d) filler[filler.length - 1] = 0x78
  return Buffer.concat([text, filler, Buffer.from('\r\nend\r\n')])
}

/** As DATA carries it: dots at the begin of lines doubled (RFC 5321 §4.5.2), the end mark behind it. */
export const stuffed = (message: Buffer): Buffer =>
  Buffer.from(`${message.toString('latin1').replace(/^\./gm, '..')}.\r\n`, 'latin1')

/** As it was before RETR sent it. */
export const unstuffed = (lines: readonly Buffer[]): Buffer =>
  Buffer.concat(lines.flatMap((line) => [line[0] === 0x2e ? line.subarray(1) : line, Buffer.from('\r\n')]))

const expectCode = async (client: Client, code: string): Promise<void> => {
  const lines = await client.reply()
  if (!lines[0]?.startsWith(code)) throw new Error(`expected ${code}:\n${client.transcript.join('\n')}`)
}

/** Reads the greeting and says EHLO. */
export const greet = async (client: Client): Promise<void> => {
  await expectCode(client, '220')
  await client.command('EHLO client.test')
  await expectCode(client, '250')
}

/** Sends one message; resolves when the server has taken it over. @throws Error for any other reply, ClientError for a broken connection */
export const send = async (client: Client, to: readonly string[], message: Buffer): Promise<void> => {
  await client.command('MAIL FROM:<sender@example.org> BODY=8BITMIME')
  await expectCode(client, '250')
  for (const address of to) {
    await client.command(`RCPT TO:<${address}>`)
    await expectCode(client, '250')
  }
  await client.command('DATA')
  await expectCode(client, '354')
  await client.send(stuffed(message))
  await expectCode(client, '250')
}

const expectOk = async (client: Client): Promise<string> => {
  const line = await client.line()
  if (!line.startsWith('+OK')) throw new Error(`expected +OK:\n${client.transcript.join('\n')}`)
  return line
}

/** Reads the greeting and logs in. @returns false where another session has the mailbox */
export const logIn = async (client: Client, name: string, password: string): Promise<boolean> => {
  await expectOk(client)
  await client.command(`USER ${name}`)
  await expectOk(client)
  const answer = await client.ask(`PASS ${password}`)
  if (answer.startsWith('-ERR [IN-USE]')) return false
  if (!answer.startsWith('+OK')) throw new Error(`cannot log in:\n${client.transcript.join('\n')}`)
  return true
}

/** How many messages there are. */
export const count = async (client: Client): Promise<number> => {
  const answer = await client.ask('STAT')
  const found = /^\+OK (\d+) /.exec(answer)
  if (found === null) throw new Error(`expected +OK:\n${client.transcript.join('\n')}`)
  return Number(found[1])
}

/** One message's octets. */
export const retrieve = async (client: Client, number: number): Promise<Buffer> => {
  await client.command(`RETR ${number}`)
  await expectOk(client)
  const lines: Buffer[] = []
  for (;;) {
    const line = await client.lineOctets()
    if (line.length === 1 && line[0] === 0x2e) return unstuffed(lines)
    lines.push(line)
  }
}

/** Marks it deleted. */
export const dele = async (client: Client, number: number): Promise<void> => {
  await client.command(`DELE ${number}`)
  await expectOk(client)
}

/** Ends the session; resolves when the deletions are done. */
export const quit = async (client: Client): Promise<void> => {
  await client.command('QUIT')
  await expectOk(client)
}

/** A message without the trace that the server put before it (RFC 5321 §4.4): from its `X-Test` line on. */
export const asSent = (stored: Buffer): Buffer => {
  const at = stored.indexOf('X-Test: ')
  return at === -1 ? stored : stored.subarray(at)
}

/** Its id. */
export const idOf = (stored: Buffer): string => /^X-Test: (\S+)/.exec(asSent(stored).subarray(0, 200).toString())?.[1] ?? 'none'

/** Whether the connection broke, as it does when a server is killed. */
export const isBroken = (error: unknown): boolean => error instanceof ClientError && error.why === 'closed'
