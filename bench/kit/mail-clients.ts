/** What clients of SMTP and POP3 do in a benchmark, on connections of `TextClient`. */
import { TextClient } from './text-client.ts'

/** A message of about so many octets as DATA takes it, the end mark included. */
export const messageOf = (octets: number): Buffer =>
  Buffer.from(`Subject: bench\r\n\r\n${`${'x'.repeat(74)}\r\n`.repeat(octets / 76)}.\r\n`)

/** Sends a message; the envelope and DATA in one write, as a client that pipelines does. */
export const send = async (client: TextClient, to: string, message: Buffer): Promise<void> => {
  client.write(`MAIL FROM:<bench@example.org>\r\nRCPT TO:<${to}>\r\nDATA\r\n`)
  for (let replies = 0; replies < 3; replies++) await client.reply()
  client.write(message)
  await client.reply()
}

/** Connects and says EHLO. */
export const greet = async (port: number): Promise<TextClient> => {
  const client = await TextClient.connect(port)
  await client.reply()
  await client.ask('EHLO bench.test')
  return client
}

/** Connects and logs in. @param from the address to come from */
export const logIn = async (port: number, user: string, password: string, from?: string): Promise<TextClient> => {
  const client = await TextClient.connect(port, from)
  await client.reply()
  await client.ask(`USER ${user}`)
  await client.ask(`PASS ${password}`)
  return client
}

export const quit = async (client: TextClient): Promise<void> => {
  await client.ask('QUIT')
  await client.end()
}

/** How many messages STAT tells. */
export const count = async (client: TextClient): Promise<number> => Number((await client.ask('STAT')).split(' ')[1])

/** Fetches messages 1 to n, one after the other. @returns octets */
export const fetchAll = async (client: TextClient, n: number): Promise<number> => {
  let octets = 0
  for (let number = 1; number <= n; number++) {
    await client.ask(`RETR ${number}`)
    octets += await client.text()
  }
  return octets
}

/** Marks messages 1 to n deleted, all commands in one write. */
export const deleteAll = async (client: TextClient, n: number): Promise<void> => {
  client.write(Array.from({ length: n }, (_, index) => `DELE ${index + 1}\r\n`).join(''))
  for (let number = 1; number <= n; number++) await client.reply()
}
