/**
 * The thread of the mail's housekeeping in a child: it takes messages apart with code that is not ours, so it is closed as the process
 * is, before any of that code runs. It has no network either: a thread gets it anew, whatever its process gave up.
 */
import './seal.ts'
import process from 'node:process'

process.permission?.drop('net')
await import('../../shared/mail/keeping/worker.ts')
