import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AdmissionLimit } from '../../shared/limits/limits.ts'
import { RefusalTally } from '../../shared/limits/refusal-tally.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Transcript } from '../../shared/log/transcript.ts'
import { addressGroup } from '../../shared/net/address-group.ts'
import { type Endpoint, endpointText } from '../../shared/net/endpoint.ts'
import type { Server } from '../../shared/service.ts'
import * as journal from './journal.ts'

/** How long one who was turned away may take to read why and go. */
const goodbyeMs = 2_000

/**
 * Those who may take it at the same time. In a flood each of them would hold a descriptor for a client that listens to nobody; the
 * others get the word too, but are not waited for.
 */
const politeGoodbyes = 64

/** Clients of an encrypted service that are told why at the same time: each costs a handshake. More get none. */
const politeHandshakes = 16

/** How often what was not journalled one by one is summed up. */
const sumEveryMs = 1_000

/** One who may not come in. */
export interface Unwanted {
  readonly socket: Socket
  readonly remote: Endpoint
  /** Encrypts the connection, where the service begins so; null when the handshake failed, the connection is gone then. */
  readonly encrypt: (() => Promise<Duplex | null>) | null
  /** Where what is said to it is written down. */
  readonly transcript: Transcript | null
}

/** Turns clients away at a limit, at little cost however many there are. `close` sums up what is left to tell. */
export class TurningAway {
  readonly #server: Server
  readonly #log: Log
  readonly #tally = new RefusalTally()
  #summing: NodeJS.Timeout | null = null
  #saying = 0
  #handshakes = 0

  constructor(server: Server, log: Log) {
    this.#server = server
    this.#log = log
  }

  turnAway({ socket, remote, encrypt, transcript }: Unwanted, limit: AdmissionLimit): void {
    transcript?.server(this.#server.refuse(limit))
    if (this.#tally.note(limit, addressGroup(remote.address))) journal.turnedAway(this.#log, endpointText(remote), limit)
    this.#summing ??= setTimeout(() => this.#sumUp(), sumEveryMs).unref()
    if (encrypt === null) this.#say(socket, limit)
    else void this.#sayEncrypted(socket, limit, encrypt)
  }

  /** Tells what was summed so far. */
  close(): void {
    if (this.#summing !== null) clearTimeout(this.#summing)
    this.#sumUp()
  }

  #say(stream: Duplex, limit: AdmissionLimit): void {
    if (this.#saying >= politeGoodbyes) {
      stream.end(this.#server.refuse(limit), () => stream.destroy())
      return
    }
    this.#saying += 1
    const timer = setTimeout(() => stream.destroy(), goodbyeMs)
    stream.once('close', () => {
      clearTimeout(timer)
      this.#saying -= 1
    })
    stream.end(this.#server.refuse(limit))
    // What the client still sends is read and dropped: unread octets would turn our close into a reset that eats the word.
    stream.resume()
  }

  async #sayEncrypted(socket: Socket, limit: AdmissionLimit, encrypt: () => Promise<Duplex | null>): Promise<void> {
    if (this.#handshakes >= politeHandshakes) {
      socket.destroy()
      return
    }
    this.#handshakes += 1
    try {
      const stream = await encrypt()
      if (stream !== null) this.#say(stream, limit)
    } finally {
      this.#handshakes -= 1
    }
  }

  #sumUp(): void {
    this.#summing = null
    for (const sum of this.#tally.take()) journal.turnedAwayInAll(this.#log, sum)
  }
}
