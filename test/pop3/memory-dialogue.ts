import { commands } from '../../servers/pop3/commands.ts'
import { protocol } from '../../servers/pop3/options.ts'
import { Pop3Server } from '../../servers/pop3/service.ts'
import { isLoopback } from '../../shared/net/endpoint.ts'
import type { Connection, Context, Server } from '../../shared/service.ts'
import { type Dialogue, dialogue } from '../kit/dialogue.ts'
import { messageOctets } from '../kit/mailbox.ts'
import { type Running, type Setup, serve } from '../kit/serving.ts'
import { MemoryMailStore } from './memory-mail-store.ts'

/** A POP3 service on a store in memory: starts in no time, and can be made to fail. */
export interface MemorySetup extends Omit<Setup, 'service' | 'create'> {
  /** alice's messages, oldest first, as the kit's dialogues take them. */
  readonly mailbox?: readonly (string | Buffer)[]
  /** Further preparation of the store. */
  readonly store?: (store: MemoryMailStore) => void
  /** Where clients seem to come from; the default is where they do. */
  readonly from?: string
  /** Whether connections pass for encrypted. */
  readonly secure?: boolean
}

/** The store of a service that was made in memory. */
const stores = new WeakMap<Server, MemoryMailStore>()

export const storeOf = ({ server }: Running): MemoryMailStore => {
  const store = stores.get(server)
  if (store === undefined) throw new Error('this service has no store in memory')
  return store
}

/** The connection as it would look from elsewhere, or encrypted. */
const disguised = (connection: Connection, { from, secure }: MemorySetup): Connection => ({
  id: connection.id,
  remote: from === undefined ? connection.remote : { address: from, port: 40_000 },
  local: connection.local,
  withinMachine: from === undefined ? connection.withinMachine : isLoopback(from),
  get secure() {
    return secure ?? connection.secure
  },
  get tls() {
    return connection.tls
  },
  get stream() {
    return connection.stream
  },
  startTls: () => connection.startTls(),
  certifies: (host) => connection.certifies(host),
  secureOther: (socket) => connection.secureOther(socket),
  get mustEnd() {
    return connection.mustEnd
  },
  onMustEnd: (told) => connection.onMustEnd(told),
  peerOf: (socket) => connection.peerOf(socket),
  signal: connection.signal,
  log: connection.log,
  probe: connection.probe,
  transcript: connection.transcript,
  busy: () => connection.busy(),
  touch: () => connection.touch(),
  loggedIn: () => connection.loggedIn(),
  overLimit: (limit) => connection.overLimit(limit),
})

const createIn =
  (setup: MemorySetup) =>
  (context: Context<unknown>): Server => {
    const store = new MemoryMailStore()
    for (const message of setup.mailbox ?? []) store.add('alice', messageOctets(message))
    setup.store?.(store)
    const inner = new Pop3Server({ ...context, options: protocol.options.parse(context.options) }, async () => store)
    const server: Server = {
      start: () => inner.start(),
      serve: (connection) => inner.serve(disguised(connection, setup)),
      refuse: (refusal) => inner.refuse(refusal),
      stop: () => inner.stop(),
    }
    stores.set(server, store)
    return server
  }

/** Runs POP3 on a store in memory. */
export const serveInMemory = (setup: MemorySetup = {}): Promise<Running> => {
  const { mailbox: _mailbox, ...rest } = setup
  return serve({ ...rest, service: 'pop3', create: createIn(setup) })
}

const aloneRows = new RegExp(`^(?:${commands.flatMap((row) => (row.alone ? [row.name] : [])).join('|')})\\b`, 'i')

/** A dialogue with POP3 on a store in memory. */
export const memoryDialogue = (name: string, what: Omit<Dialogue, 'service' | 'create' | 'serve'> & MemorySetup): void => {
  const { mailbox: _mailbox, ...rest } = what
  dialogue(name, { ...rest, service: 'pop3', create: createIn(what), alone: aloneRows })
}
