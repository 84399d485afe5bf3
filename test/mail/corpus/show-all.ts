/**
 * A program: runs `havre mail show` for these messages of alice's mailbox, as text, and with what is attached saved, one after the
 * other in one process, since starting one for each takes minutes. `show-all.ts DATA OUT ID…` leaves files in OUT.
 */
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { mailCommand } from '../../../cli/mail/mail.ts'

const [, , data = '', out = '', ...ids] = process.argv

let printed: Buffer[] = []
// Commands listen for errors of stdout anew each time.
process.stdout.setMaxListeners(0)
Object.defineProperty(process.stdout, 'write', {
  value: (chunk: string | Uint8Array) => printed.push(Buffer.from(chunk as string)) > 0,
})

/** What this command printed; what it failed with, as a text that no command prints, where it did. */
const printedBy = async (...args: readonly string[]): Promise<Buffer> => {
  printed = []
  try {
    await mailCommand().parseAsync([...args, '--set', `data=${data}`], { from: 'user' })
  } catch (error) {
    // The test tells which message it was, and this goes on to the others.
    return Buffer.from(`failed: ${error instanceof Error ? error.stack : String(error)}`)
  }
  return Buffer.concat(printed)
}

for (const id of ids) {
  writeFileSync(`${out}/${id}.txt`, await printedBy('show', 'alice', id))
  writeFileSync(`${out}/${id}.json`, await printedBy('show', 'alice', id, '--save', `${out}/saved/${id}`, '--json'))
}
