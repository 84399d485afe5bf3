/** A process that writes a service's logs as fast as told, numbered, until its stdin ends; then it flushes and ends. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { openJournal } from '../../shared/log/winston-journal.ts'

const [folder = '', name = ''] = process.argv.slice(2)
const journal = await openJournal({ service: 'http', folder, level: 'info', console: false })
const access = journal.lines('access')
let n = 0
let turns = 0
let over = false
process.stdout.on('error', () => undefined)
process.stdin.on('end', () => {
  over = true
})
process.stdin.resume()
while (!over) {
  for (let burst = 0; burst < 20; burst++, n++) {
    journal.log.write('info', 'test.written', { writer: name, n, text: 'x'.repeat(n % 200) })
    access.write(`${name} ${n} ${'y'.repeat(n % 100)}`)
  }
  // As the supervisor tells its children; between, they notice by themselves.
  if (turns++ % 3 === 0) journal.reopen()
  await sleep(1)
}
await journal.close()
process.stdout.write(`${n}\n`)
