import type { Socket } from 'node:net'

/** One end of a connection. */
export interface Endpoint {
  /** Numeric; an IPv4 client on a dual-stack socket appears as IPv4. */
  readonly address: string
  readonly port: number
}

/** `::ffff:192.0.2.1` and `192.0.2.1` are one host (RFC 4291 §2.5.5.2). */
export const plainAddress = (address: string): string =>
  address.startsWith('::') ? address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '') : address

/** `192.0.2.1:80`, `[2001:db8::1]:80` (RFC 3986 §3.2.2): as logs and messages write it. */
export const endpointText = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** The client's end of a socket; the unspecified address and 0 once the socket is gone. */
export const remoteOf = (socket: Socket): Endpoint => ({
  address: plainAddress(socket.remoteAddress ?? '0.0.0.0'),
  port: socket.remotePort ?? 0,
})

/** Our end of a socket. */
export const localOf = (socket: Socket): Endpoint => ({
  address: plainAddress(socket.localAddress ?? '0.0.0.0'),
  port: socket.localPort ?? 0,
})

/** Whether the address is of this machine only: 127.0.0.0/8 and ::1. */
export const isLoopback = (address: string): boolean => /^127\./.test(plainAddress(address)) || address === '::1'
