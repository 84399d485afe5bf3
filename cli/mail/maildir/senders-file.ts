/**
 * `havre-senders` in a Maildir: a line of JSON for each message whose envelope sender is not in its octets. Other programs leave files
 * that they do not know alone.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PermanentError } from '../../../shared/service.ts'

/** Its name. */
export const sendersFile = 'havre-senders'

/** One line of it. @param base the name of the message's file without its flags */
export const senderLine = (base: string, sender: string): string => `${JSON.stringify({ name: base, sender })}\n`

/** What stands in it, or nothing. */
export const sendersText = async (folder: string): Promise<string> => {
  try {
    return await readFile(join(folder, sendersFile), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

/** Senders by the names of their messages. @throws {PermanentError} a line is not as we write it */
export const readSenders = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const senders = new Map<string, string>()
  for (const [at, line] of (await sendersText(folder)).split('\n').entries()) {
    if (line === '') continue
    const entry = parsed(line)
    if (entry === null) throw new PermanentError(`${join(folder, sendersFile)}, line ${at + 1}: not as Havre writes it`)
    senders.set(entry.name, entry.sender)
  }
  return senders
}

const parsed = (line: string): { name: string; sender: string } | null => {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('name' in value) || !('sender' in value)) return null
    return typeof value.name === 'string' && typeof value.sender === 'string' ? { name: value.name, sender: value.sender } : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
