/** What the subcommands of `havre mail` print, and how: nothing of a message drives the terminal. */
import { once } from 'node:events'
import process from 'node:process'
import { escapeControls } from '../../shared/log/render.ts'

/** What each of them exits with. */
export const codes = 'Exit codes: 0 done, 100 no such account or message, 111 try again later.'

/** A line that cannot drive the terminal; tabs stay. */
export const printable = (line: string): string => line.split('\t').map(escapeControls).join('\t')

/** As JSON, which itself escapes C0 only. */
export const quoted = (value: string | object): string => escapeControls(JSON.stringify(value))

/** One line of JSON. */
export const printJson = (value: object): Promise<void> => print(`${quoted(value)}\n`)

/** To stdout; resolves when it takes more. */
export const print = async (data: string | Buffer): Promise<void> => {
  if (!process.stdout.write(data)) await once(process.stdout, 'drain')
}
