/** `havre mail export --salvage`: what can still be read of a damaged store, past the store itself. */
import { join, resolve } from 'node:path'
import process from 'node:process'
import { setImmediate as turn } from 'node:timers/promises'
import { createLocalDomains } from '../../shared/accounts/local-domains.ts'
import { loginAccountName } from '../../shared/accounts/name.ts'
import type { Settings } from '../../shared/config/settings.ts'
import { Salvage, type SalvagedMessage } from '../../shared/mail/salvage/salvage.ts'
import { PermanentError } from '../../shared/service.ts'
import { amount, count, counted } from '../amounts.ts'
import { configurationFrom } from '../configuration-options.ts'
import { giveUpRoot } from '../give-up-root.ts'
import { interruptible } from '../interrupt.ts'
import { Progress } from '../progress.ts'
import { seeSupervisor } from '../supervisor-status.ts'
import { explained } from './file-errors.ts'
import type { FolderWriter, OutgoingMessage } from './folder.ts'
import { type ExportOptions, openWriter } from './open-writer.ts'
import { print, printJson, quoted } from './printing.ts'

/** Something of the account's mail is not there any more. */
const incomplete = 1

/** Pages that are looked at before signals have their turn. */
const pagesAtOnce = 256

/** What came out, and where. */
interface Salvaged {
  messages: number
  octets: number
  /** Ids of those that are not whole. */
  readonly damaged: string[]
  /** Messages that may have been the account's, and of which nothing tells whose they are. */
  lost: number
}

/** The action of the option. */
export const exportSalvaged = async (name: string, path: string, options: ExportOptions): Promise<void> => {
  const { settings } = await configurationFrom(options)
  const account = loginAccountName(name, createLocalDomains(settings.domains))
  if (account === null) throw new PermanentError(`${quoted(name)} is no name of an account`)
  giveUpRoot(settings)
  await mustBeStopped(settings)
  const [target, lostTarget] = [resolve(path), `${resolve(path)}-lost`]
  const file = join(settings.data, 'mail.db')
  const done = await explained(target, () =>
    interruptible((signal) => salvageInto(file, account, [target, lostTarget], options, signal)),
  )
  const { messages, octets, damaged, lost } = done
  if (options.json === true) await printJson({ account, path: target, format: options.format, ...done, lostPath: lostTarget })
  else if (options.quiet !== true) {
    const broken = damaged.length === 0 ? '' : `, ${count(damaged.length)} of them damaged`
    await print(`salvaged ${counted(messages, 'message')} (${amount(octets)}) of ${account} to ${quoted(target)}${broken}\n`)
    if (lost > 0) await print(`${counted(lost, 'message')} that may be of ${account}, or of others, to ${quoted(lostTarget)}\n`)
  }
  if (damaged.length > 0 || lost > 0) process.exitCode = incomplete
}

/** What is written meanwhile would be read half. */
const mustBeStopped = async ({ data }: Settings): Promise<void> => {
  if ((await seeSupervisor(data)).kind !== 'running') return
  const advice = 'Stop it (`havre stop`), or copy mail.db and mail.db-wal into another folder and name that with --set data=FOLDER'
  throw new PermanentError(`Havre is running with this mail. ${advice}`)
}

const salvageInto = async (
  file: string,
  account: string,
  [path, lostPath]: readonly [string, string],
  options: ExportOptions,
  signal: AbortSignal,
): Promise<Salvaged> => {
  const salvage = opened(file)
  const writers: FolderWriter[] = []
  const writerAt = async (place: string): Promise<FolderWriter> => {
    const writer = await openWriter(place, options)
    writers.push(writer)
    return writer
  }
  try {
    const writer = await writerAt(path)
    await scan(salvage, options, signal)
    const done: Salvaged = { messages: 0, octets: 0, damaged: [], lost: 0 }
    let lostWriter: FolderWriter | null = null
    for (const message of salvage.messages()) {
      signal.throwIfAborted()
      if (message.account === account) {
        await writer.add(outgoing(message))
        done.messages += 1
        done.octets += message.octets
        if (!message.whole) done.damaged.push(tell(message))
      } else if (mayBeOf(message, account)) {
        lostWriter ??= await writerAt(lostPath)
        await lostWriter.add(outgoing(message))
        done.lost += 1
      }
    }
    for (let each = writers.shift(); each !== undefined; each = writers.shift()) await each.finish()
    return done
  } catch (error) {
    for (const each of writers) await each.abandon()
    throw error
  } finally {
    salvage.close()
  }
}

const opened = (file: string): Salvage => {
  try {
    return new Salvage(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT') throw new PermanentError(`there is no ${file}`, { cause: error })
    throw error
  }
}

const scan = async (salvage: Salvage, { quiet }: ExportOptions, signal: AbortSignal): Promise<void> => {
  let progress: Progress | null = null
  try {
    for (const { pages, of, octets } of salvage.scan()) {
      progress ??= new Progress({ label: 'scan', messages: null, octets: of * octets }, { quiet: quiet === true })
      progress.add(0, octets)
      if (pages % pagesAtOnce !== 0) continue
      await turn()
      signal.throwIfAborted()
    }
  } finally {
    progress?.end()
  }
}

/** Nobody's that is known: for all that is told, it may be theirs. */
const mayBeOf = ({ account, accounts }: SalvagedMessage, name: string): boolean =>
  account === null && (accounts.length === 0 || accounts.includes(name))

const tell = (message: SalvagedMessage): string => {
  console.error(`message ${message.id} is damaged: ${stateOf(message)}`)
  return message.id
}

const stateOf = ({ octets, storedOctets }: SalvagedMessage): string =>
  storedOctets === null
    ? `${octets} octets are there, and nothing tells how many there were`
    : `${octets} of ${storedOctets} octets are there, not all of them as they were stored`

/** What is not whole says so on top; where its beginning is gone, what follows is no header. */
const markOf = (message: SalvagedMessage): Buffer =>
  Buffer.from(message.whole ? '' : `X-Havre-Salvage: ${stateOf(message)}\r\n${message.headless ? '\r\n' : ''}`)

const outgoing = (message: SalvagedMessage): OutgoingMessage => {
  const { receivedAt, sender, flags, utf8, octets } = message
  const mark = markOf(message)
  return { receivedAt, sender, flags, utf8, octets: mark.length + octets, open: () => marked(mark, message) }
}

async function* marked(mark: Buffer, message: SalvagedMessage): AsyncGenerator<Buffer> {
  if (mark.length > 0) yield mark
  yield* message.read()
}
