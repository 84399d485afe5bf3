/** Proxies in front of the service that are believed what they say of a request. */
import { isIP } from 'node:net'
import { Addresses } from '../../../shared/net/addresses.ts'
import { plainAddress } from '../../../shared/net/endpoint.ts'
import type { Connection } from '../../../shared/service.ts'
import type { Exchange } from '../exchange.ts'
import { toldWay } from './told-way.ts'

/** What a proxy may call a request: anything else could forge records, or was not made by a program of sense. */
const idForm = /^[A-Za-z0-9._:@/+=-]{1,128}$/

/** The proxies of the setting `trust`. */
export class Trust {
  readonly #listed: Addresses
  readonly #nobody: boolean

  /** @param from addresses and networks */
  constructor(from: readonly string[]) {
    this.#listed = new Addresses(from)
    this.#nobody = from.length === 0
  }

  /** Whether the client of this connection is one of them. */
  has({ remote }: Pick<Connection, 'remote'>): boolean {
    return this.#listed.has(remote)
  }

  /** What a listed proxy calls the request; null where it says nothing, or is not listed. */
  idOf(exchange: Exchange, connection: Pick<Connection, 'remote'>): string | null {
    const id = exchange.field('x-request-id')
    return id !== undefined && idForm.test(id) && this.has(connection) ? id : null
  }

  /**
   * Who sent the request, where a listed proxy passed it on: the last on its way who is no listed proxy, since what stands before that
   * may be his own. Null where the connection's other end is all that is known.
   */
  clientOf({ fields }: Pick<Exchange, 'fields'>, connection: Pick<Connection, 'remote'>): string | null {
    if (this.#nobody || !this.has(connection)) return null
    let client: string | null = null
    for (const node of toldWay(fields).nodes) {
      const address = addressIn(node)
      if (address === null) break
      client = address
      if (!this.#listed.has({ address })) break
    }
    return client
  }

  /** Whether the client came encrypted, to us or, as it says, to a listed proxy. */
  isSecure({ fields }: Pick<Exchange, 'fields'>, connection: Pick<Connection, 'remote' | 'secure'>): boolean {
    if (connection.secure) return true
    if (!this.has(connection)) return false
    return toldWay(fields).proto === 'https'
  }
}

/** An address, also with a port: `192.0.2.1:4711`, `[2001:db8::1]:4711` (RFC 7239 §6). Null: a name that hides one, or nothing of sense. */
const addressIn = (text: string): string | null => {
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? []
  const address = plainAddress(bracketed ?? dotted ?? text)
  // The zone of one is its own machine's to know, and may be any text.
  return isIP(address) === 0 || address.includes('%') ? null : address.toLowerCase()
}
