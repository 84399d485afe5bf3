/**
 * What the local authority shows to everybody, and where: the certificate that programs are to trust, and the list of certificates
 * that it takes back. Services of HTTP serve the folder, and may read nothing else below `data/tls`.
 */
import { join } from 'node:path'

/** The path at which every service of HTTP shows them (RFC 8615). */
export const publicSegments = ['.well-known', 'havre'] as const

/** Where they lie. */
export const publicFolder = (data: string): string => join(data, 'tls', 'public')

/** PEM; the name is the one that phones and Windows open by themselves. */
export const authorityName = 'authority.crt'

/** DER, as RFC 5280 §4.2.1.13 wants it. */
export const revocationName = 'authority.crl'

const shown = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** What decides where the list is found. */
export interface Place {
  readonly protocol: string
  readonly enabled: boolean
  readonly tls: 'starttls' | 'implicit' | 'off'
  readonly host: string
  readonly port: number
}

/**
 * The URL that certificates name for the list: at the first service of HTTP without TLS (who checks a certificate cannot need one
 * for it) that has a port of its own. null: there is none, or the system chooses its port anew at each start.
 * @param hostname what clients call a service that listens on all addresses
 */
export const revocationUrl = (hostname: string, services: readonly Place[]): string | null => {
  const http = services.find(({ protocol, enabled, tls, port }) => protocol === 'http' && enabled && tls === 'off' && port > 0)
  if (http === undefined) return null
  // Its own address needs no name service, and is where it answers.
  const host = http.host === '0.0.0.0' || http.host === '::' ? hostname : http.host
  return `http://${shown(host)}${http.port === 80 ? '' : `:${http.port}`}/${[...publicSegments, revocationName].join('/')}`
}
