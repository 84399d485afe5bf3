import { createServer, type Server as NetServer, type Socket } from 'node:net'
import process from 'node:process'
import { setImmediate as lookedAround, setTimeout as sleep } from 'node:timers/promises'
import type { Limits } from '../../shared/config/settings.ts'
import { type Admission, AdmissionTable, manyClients, type Verdict } from '../../shared/limits/admission.ts'
import type { LimitName } from '../../shared/limits/limits.ts'
import { type Log, onlyErrors } from '../../shared/log/log.ts'
import { addressGroup } from '../../shared/net/address-group.ts'
import { type Endpoint, endpointText, remoteOf } from '../../shared/net/endpoint.ts'
import { IntroductionError } from '../../shared/net/proxy-header.ts'
import type { Server } from '../../shared/service.ts'
import { HandshakeError, type ServiceTls } from '../../shared/tls/service-tls.ts'
import { Conversation, type Surroundings } from './conversation.ts'
import * as journal from './journal.ts'
import type { Counters } from './messages.ts'
import { Proxies } from './proxies.ts'
import { TurningAway } from './turning-away.ts'

/** Connections that wait to be accepted while the child is busy or being replaced; the system's own cap may be lower. */
const backlog = 1024

/** At a stop: what was accepted just now gets so long to send its first octets before it counts as idle. */
const stopGraceMs = 300

/** Accepting goes on after a stop until for so long nobody came: closing resets those who still wait in the queue. */
const quietMs = 25
const maxQuietMs = 500

/** How long conversations that were told to end at the deadline may take over their goodbye. */
const lastWordsMs = 1_000

/** How a service is encrypted. */
export interface HostTls {
  /** From the first octet, or when the protocol says so. */
  readonly mode: 'implicit' | 'starttls'
  readonly tls: ServiceTls
}

/** A probe is in clear, and meets no limit. */
const probeSurroundings: Surroundings = { security: null, proxies: null, overLimit: () => undefined }

/** Whatever breaks the connection of one who is not in closes it, and that is seen. */
const unheard = (): void => undefined

/** Where to listen: on a descriptor that the supervisor bound, or (in tests) on an address of its own. */
export type Target = { readonly fd: number } | { readonly host: string; readonly port: number }

/**
 * What every child runs around its protocol: accepts, counts, limits, ends idle conversations and drains. Owns the listener and
 * the sockets of all conversations; `end` releases them.
 */
export class Host {
  readonly #server: Server
  readonly #limits: Limits
  readonly #log: Log
  readonly #listener: NetServer
  readonly #open = new Set<Conversation>()
  /** Come from a proxy that has not said yet whose they are. */
  readonly #nameless = new Set<Conversation>()
  readonly #probes = new Set<Conversation>()
  readonly #admission: Admission
  readonly #turningAway: TurningAway
  readonly #sweep: NodeJS.Timeout
  readonly #implicit: boolean
  readonly #surroundings: Surroundings
  /** Connections of which the supervisor is asked whether they may come in. */
  #asking = 0
  #served = 0
  #refused: Partial<Record<LimitName, number>> = {}
  #acceptedAt = 0
  #lastMemoryOctets = 0
  #ending: Promise<void> | null = null
  #endsAt = Number.POSITIVE_INFINITY
  #stopping = false
  #changed: () => void = () => undefined
  /** Ends the wait in `#over`. */
  #wake: () => void = () => undefined

  /**
   * @param tls         null: the service stays in clear
   * @param proxiesFrom addresses and networks of proxies that tell whose connections they hand on
   * @param admission   who may come in; asked here unless given, which is right for the only process of a service
   */
  constructor(
    server: Server,
    limits: Limits,
    log: Log,
    tls: HostTls | null = null,
    proxiesFrom: readonly string[] = [],
    admission: Admission = new AdmissionTable(limits),
  ) {
    this.#server = server
    this.#implicit = tls?.mode === 'implicit'
    this.#limits = limits
    this.#surroundings = {
      security: tls === null ? null : { tls: tls.tls, handshakeMs: limits.handshakeMs },
      proxies: proxiesFrom.length === 0 ? null : new Proxies(proxiesFrom, limits.handshakeMs),
      overLimit: (limit) => this.countLimit(limit),
    }
    this.#log = log
    this.#admission = admission
    this.#turningAway = new TurningAway(server, log)
    // Half-open: a client may send all it has, shut its side and still read every reply.
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
    const shortestMs = Math.min(limits.idleMs, limits.loginMs ?? limits.idleMs, limits.totalMs ?? limits.idleMs)
    this.#sweep = setInterval(() => this.#checkLimits(), Math.min(1_000, Math.max(25, shortestMs / 4)))
    this.#sweep.unref()
  }

  /** @returns the port. @throws the system's error where the port cannot be listened on */
  async listen(target: Target): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject)
      const done = () => {
        this.#listener.off('error', reject)
        resolve()
      }
      // {fd, backlog} is ignored by Node 26: the backlog goes as an argument of its own.
      if ('fd' in target) this.#listener.listen({ fd: target.fd }, backlog, done)
      else this.#listener.listen(target.port, target.host, backlog, done)
    })
    this.#listener.on('error', (error) => journal.crashed(this.#log, error))
    const address = this.#listener.address()
    if (address === null || typeof address === 'string') throw new Error('a listener without an address')
    journal.listening(this.#log, endpointText(address))
    return address.port
  }

  /** Connections now and so far. */
  get counters(): Counters {
    return { open: this.#open.size, served: this.#served, refused: { ...this.#refused }, memoryOctets: this.#memoryOctets() }
  }

  /** As measured last where the system has no descriptor left to tell: counting must not be what ends a crowded child. */
  #memoryOctets(): number {
    try {
      this.#lastMemoryOctets = process.memoryUsage.rss()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE'))) throw error
    }
    return this.#lastMemoryOctets
  }

  /** Has this called whenever the counters change. */
  onChange(changed: () => void): void {
    this.#changed = changed
  }

  /**
   * Carries a conversation in which the supervisor asks whether this child is well: in clear, whatever the service speaks outside,
   * and known to no counter, limit or record. Ends with the host at the latest.
   */
  probe(socket: Socket): void {
    const client = new Conversation(socket, onlyErrors(this.#log), probeSurroundings, true)
    // The supervisor has gone, or has heard enough.
    socket.on('error', () => socket.destroy())
    socket.setNoDelay(true)
    this.#probes.add(client)
    socket.once('close', () => this.#probes.delete(client))
    void this.#serve(client).finally(() => client.close())
  }

  /** Stops accepting at once: an orphan that still listens would be in the way of the next start. */
  close(): void {
    if (this.#listener.listening) this.#listener.close()
  }

  /**
   * Stops accepting and finishes. `replace`: conversations end by themselves; `stop`: each ends as soon as nothing is under way
   * in it. What is left at the deadline is cut off. Resolves when all are over and the protocol has released what it holds. Again:
   * a `replace` becomes a `stop`, and the earlier deadline holds.
   * @param queue whether those that wait to be accepted are served first: for when nobody else listens on the port
   */
  end(how: 'replace' | 'stop', deadlineMs: number, queue: 'leave' | 'serve' = how === 'stop' ? 'serve' : 'leave'): Promise<void> {
    this.#endsAt = Math.min(this.#endsAt, performance.now() + deadlineMs)
    if (how === 'stop') this.#stopping = true
    this.#wake()
    this.#ending ??= this.#end(how, queue)
    return this.#ending
  }

  async #end(how: 'replace' | 'stop', queue: 'leave' | 'serve'): Promise<void> {
    journal.draining(this.#log, how, this.#open.size)
    this.#server.drain?.()
    if (queue === 'serve') await this.#emptyQueue()
    this.close()
    while (!this.#stopping && this.#timeLeft() > 0 && this.#left > 0) await this.#over(this.#timeLeft())
    if (this.#left > 0) {
      await this.#over(Math.min(stopGraceMs, this.#timeLeft() / 2))
      for (const client of [...this.#open, ...this.#nameless]) client.stopWhenFree()
    }
    while (this.#timeLeft() > 0 && this.#left > 0) await this.#over(this.#timeLeft())
    for (const client of this.#open) client.end('stopping')
    await this.#over(lastWordsMs)
    const cut = this.#open.size
    for (const client of this.#open) client.destroy()
    await this.#over(lastWordsMs)
    clearInterval(this.#sweep)
    this.#turningAway.close()
    for (const client of this.#probes) client.destroy()
    await this.#server.stop(AbortSignal.timeout(Math.max(lastWordsMs, Math.ceil(this.#timeLeft()))))
    journal.ended(this.#log, cut)
  }

  /** Connections that are not over. */
  get #left(): number {
    return this.#open.size + this.#nameless.size + this.#asking
  }

  #timeLeft(): number {
    return this.#endsAt - performance.now()
  }

  async #emptyQueue(): Promise<void> {
    const from = performance.now()
    this.#acceptedAt = from
    do {
      await sleep(quietMs)
      // Timers come before the network: only now it is known that nobody has come meanwhile, however long we were kept from looking.
      await lookedAround()
    } while (performance.now() - this.#acceptedAt < quietMs && performance.now() - from < maxQuietMs)
  }

  /** Resolves when no conversation is open, when `end` is called again, or after so long. */
  async #over(waitMs: number): Promise<void> {
    if (this.#left === 0 || waitMs <= 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #checkLimits(): void {
    const now = performance.now()
    for (const client of this.#open) {
      const met = client.checkDeadlines(now, this.#limits)
      if (met !== null) this.#limitReached(client, met)
      if (client.waitingOctets <= this.#limits.memoryOctets || client.socket.destroyed) continue
      this.#limitReached(client, 'memory')
      // There is no room for a word either.
      client.destroy()
    }
  }

  #limitReached(client: Conversation, limit: 'idle' | 'login' | 'total' | 'memory'): void {
    this.countLimit(limit)
    // That a client falls silent is nothing to warn of.
    if (limit !== 'idle') journal.limitReached(client, limit)
  }

  /** Counts that a client met a limit. */
  countLimit(limit: LimitName): void {
    this.#refused[limit] = (this.#refused[limit] ?? 0) + 1
    this.#changed()
  }

  #accept(socket: Socket): void {
    this.#acceptedAt = performance.now()
    const { proxies } = this.#surroundings
    // Reset before it was accepted: the system no longer says by whom, and so not whether a proxy's header comes first.
    if (proxies !== null && socket.remoteAddress === undefined) return void socket.destroy()
    const remote = remoteOf(socket)
    if (proxies?.has(remote)) void this.#introduce(this.#conversation(socket, remote))
    else this.#admit(socket, remote)
  }

  /** Only when it is known whose a connection is can be said whether he may have one more. */
  async #introduce(client: Conversation): Promise<void> {
    if (this.#nameless.size >= this.#limits.connections) return this.#letIn(client.socket, client.remote, 'connections', client)
    this.#nameless.add(client)
    try {
      await client.beIntroduced()
    } catch (error) {
      if (error instanceof IntroductionError) journal.notIntroduced(client, error.code)
      // Whatever it is: one connection fails, the others go on.
      else journal.failed(client, error)
      client.destroy()
    }
    this.#nameless.delete(client)
    if (!client.socket.destroyed) this.#admit(client.socket, client.remote, client)
    if (this.#left === 0) this.#wake()
  }

  /** @param client not there yet for one who comes without a proxy: who is turned away does without */
  #admit(socket: Socket, remote: Endpoint, client?: Conversation): void {
    const verdict = this.#admission.admit(this.#groupOf(remote))
    if (!(verdict instanceof Promise)) return this.#letIn(socket, remote, verdict, client)
    socket.on('error', unheard)
    this.#asking += 1
    void verdict.then((late) => {
      this.#asking -= 1
      this.#letIn(socket, remote, late, client)
      if (this.#left === 0) this.#wake()
    })
  }

  /** As whose connection it is counted. */
  #groupOf(remote: Endpoint): string {
    return this.#server.carriesMany?.(remote) === true ? manyClients : addressGroup(remote.address)
  }

  #letIn(socket: Socket, remote: Endpoint, verdict: Verdict, client?: Conversation): void {
    // Gone while the supervisor was asked.
    if (verdict === null && socket.destroyed) return this.#admission.release(this.#groupOf(remote))
    if (verdict === null) return this.#converse(client ?? this.#conversation(socket, remote))
    socket.on('error', unheard)
    this.countLimit(verdict)
    const told = client ?? (this.#log.keeps('debug') ? this.#conversation(socket, remote) : undefined)
    const encrypt = this.#implicit ? () => this.#encryptForRefusal(told ?? this.#conversation(socket, remote)) : null
    this.#turningAway.turnAway({ socket, remote, encrypt, transcript: told?.transcript ?? null }, verdict)
  }

  #conversation(socket: Socket, remote: Endpoint): Conversation {
    return new Conversation(socket, this.#log, this.#surroundings, false, remote)
  }

  #converse(client: Conversation): void {
    this.#open.add(client)
    this.#changed()
    journal.opened(client)
    // Over when both the protocol is done and the socket is gone: whichever comes last forgets the client.
    let done = false
    const forget = () => {
      if (!done || !client.socket.destroyed || !this.#open.delete(client)) return
      this.#served += 1
      this.#admission.release(this.#groupOf(client.remote))
      if (this.#left === 0) this.#wake()
      this.#changed()
      client.transcript?.end()
      journal.closed(client)
    }
    client.onClosed(forget)
    void this.#serve(client).then(() => {
      done = true
      client.close()
      forget()
    })
    if (this.#stopping) setTimeout(() => client.stopWhenFree(), stopGraceMs).unref()
  }

  async #serve(client: Conversation): Promise<void> {
    try {
      if (this.#implicit && !client.probe) await client.encrypt()
      await this.#server.serve(client)
    } catch (error) {
      // Journalled where it happened.
      if (error instanceof HandshakeError) return
      // Whatever it is: one conversation fails, the others go on.
      journal.failed(client, error)
    }
  }

  async #encryptForRefusal(client: Conversation): Promise<Socket | null> {
    try {
      await client.encrypt()
      return client.stream
    } catch (error) {
      if (!(error instanceof HandshakeError)) journal.failed(client, error)
      client.destroy()
      return null
    }
  }
}
