import { BlockList, isIPv6 } from 'node:net'
import type { Endpoint } from './endpoint.ts'

/** Addresses and networks (`10.0.0.0/8`) of a setting. */
export class Addresses {
  readonly #listed = new BlockList()
  /** Most settings list none, and each connection asks. */
  readonly #none: boolean

  constructor(from: readonly string[]) {
    this.#none = from.length === 0
    for (const network of from) {
      const [address = '', prefix] = network.split('/')
      const family = isIPv6(address) ? 'ipv6' : 'ipv4'
      if (prefix === undefined) this.#listed.addAddress(address, family)
      else this.#listed.addSubnet(address, Number(prefix), family)
    }
  }

  /** Whether whoever comes from there is one of them. */
  has({ address }: Pick<Endpoint, 'address'>): boolean {
    if (this.#none) return false
    const plain = address.split('%', 1)[0] ?? ''
    return this.#listed.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
  }
}
