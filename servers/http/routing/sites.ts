/** Which site a request is for, by the host that it names (RFC 9110 §7.2). */
import type { Authority } from '../target.ts'

/** Sites by their names. */
export class Sites<Site> {
  readonly #standard: Site
  readonly #byName = new Map<string, Site>()

  /** @param standard has every host that is no other's */
  constructor(standard: Site, others: readonly { readonly hosts: readonly string[]; readonly site: Site }[]) {
    this.#standard = standard
    for (const { hosts, site } of others) for (const host of hosts) this.#byName.set(host, site)
  }

  /** The site of exactly this name, else of the closest asterisk above it, else the default one. */
  of(authority: Authority | null): Site {
    if (authority === null || this.#byName.size === 0) return this.#standard
    // The name of the root of all domains is written or not (RFC 1034 §3.1).
    const host = authority.host.endsWith('.') ? authority.host.slice(0, -1) : authority.host
    const exact = this.#byName.get(host)
    if (exact !== undefined) return exact
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const above = this.#byName.get(`*${host.slice(dot)}`)
      if (above !== undefined) return above
    }
    return this.#standard
  }
}
